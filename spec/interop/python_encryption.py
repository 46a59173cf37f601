"""The encryption client of the Python SDK (pip install cos-python-sdk-v5), for python-encryption.spec.ts.

write PORT ID KEY DIR            writes DIR/plain in each way that the guide has, under the keys in DIR
read PORT ID KEY DIR OBJECT ...  prints JSON: whether an object, and ranges of it, are DIR/plain
"""
import json
import logging
import sys

from qcloud_cos import CosConfig
from qcloud_cos.cos_encryption_client import CosEncryptionClient
from qcloud_cos.crypto import AESProvider, RSAProvider

logging.disable(logging.CRITICAL)
BUCKET = "examplebucket-1250000000"
PART = 1 << 20
command, port, secret_id, secret_key, directory = sys.argv[1:6]
config = CosConfig(
    Region="ap-guangzhou", SecretId=secret_id, SecretKey=secret_key, Scheme="http",
    Proxies={"http": "http://127.0.0.1:" + port},
)
with open(directory + "/plain", "rb") as file:
    plain = file.read()


def client(kind):
    if kind == "aes":
        return CosEncryptionClient(config, AESProvider(aes_key_path=directory + "/aes"))
    pair = RSAProvider.get_rsa_key_pair_path(directory + "/public.pem", directory + "/private.pem")
    return CosEncryptionClient(config, RSAProvider(key_pair_info=pair))


def write(kind):
    cos = client(kind)
    cos.put_object(Bucket=BUCKET, Key=kind + "-put", Body=plain, EnableMD5=False)
    parts_key = kind + "-parts"
    upload = cos.create_multipart_upload(Bucket=BUCKET, Key=parts_key)["UploadId"]
    for number in range(1, 2 + (len(plain) - 1) // PART):
        cos.upload_part(
            Bucket=BUCKET, Key=parts_key, Body=plain[(number - 1) * PART : number * PART],
            PartNumber=number, UploadId=upload,
        )
    listed = cos.list_parts(Bucket=BUCKET, Key=parts_key, UploadId=upload)
    cos.complete_multipart_upload(
        Bucket=BUCKET, Key=parts_key, UploadId=upload, MultipartUpload={"Part": listed["Part"]}
    )
    # With more threads than one this SDK writes objects that cannot be decrypted.
    cos.upload_file(
        Bucket=BUCKET, Key=kind + "-file", LocalFilePath=directory + "/plain", PartSize=1, MAXThread=1
    )


def read(key, **options):
    body = client(key.split("-")[0]).get_object(Bucket=BUCKET, Key=key, **options)["Body"]
    chunks = []
    while chunk := body.read(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def is_plain(key):
    ranges = [(0, 9), (5, 40), (16, 31), (65530, 65550), (PART - 6, PART + 24)]
    return read(key) == plain and all(
        read(key, Range="bytes=%d-%d" % (first, last)) == plain[first : last + 1] for first, last in ranges
    )


if command == "write":
    for each in ("aes", "rsa"):
        write(each)
else:
    print(json.dumps({key: is_plain(key) for key in sys.argv[6:]}))
