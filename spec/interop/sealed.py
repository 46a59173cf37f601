"""
A second implementation of the sealed format, from lib/encryption/README.md alone. Needs the package cryptography.

    python3 sealed.py open OBJECT KEY NAME    writes the plaintext; KEY: base64 of an AES key, or an RSA private key in PEM;
                                              NAME: bucket/key, or - for an object that is bound to no name
    python3 sealed.py make KEYS               writes the vectors of spec/vectors/sealed.json; KEYS: the folder of the keys
"""
import base64, hashlib, hmac, json, sys
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC, HEADER, SEGMENT, TAG = b"cospsl1\0", 1024, 65536, 16


def derive(data_key, salt, flags, name):
    info = b"cospipe sealed 1" + MAGIC + bytes([1, 16, flags]) + salt + name
    out = HKDF(algorithm=hashes.SHA256(), length=71, salt=salt, info=info).derive(data_key)
    return AESGCM(out[:32]), out[32:39], out[39:]


def nonce(prefix, index, last):
    return prefix + index.to_bytes(4, "big") + bytes([last])


def take(data, *lengths):
    at = 0
    for length in lengths:
        yield data[at : at + length]
        at += length


def open_sealed(data, key_text, bound_name):
    header = data[:HEADER]
    assert len(header) == HEADER and header[:8] == MAGIC, "not a sealed object"
    suite, wrap, bits, flags = header[8:12]
    assert (suite, bits) == (1, 16) and flags in (0, 1), "unknown suite, segment size or flags"
    salt, at = header[12:44], 45 + header[44]
    name, at = header[at : at + 32 * flags], at + 32 * flags
    length = int.from_bytes(header[at : at + 2], "big")
    wrapped, commitment = take(header[at + 2 :], length, 32)
    assert not any(header[at + 2 + length + 32 :]), "the padding is not zero"
    if wrap == 1:
        data_key = keywrap.aes_key_unwrap(base64.b64decode(key_text), wrapped)
    else:
        assert wrap == 2, "a key of a key service"
        private = serialization.load_pem_private_key(key_text, None)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        data_key = private.decrypt(wrapped, oaep)
    cipher, prefix, expected = derive(data_key, salt, flags, name)
    assert hmac.compare_digest(commitment, expected), "the data key is not that of the object"
    assert name == (hashlib.sha256(bound_name.encode()).digest() if bound_name != "-" else b""), "another name"
    body, plain = data[HEADER:], b""
    count = -(-len(body) // (SEGMENT + TAG))
    assert count > 0, "no segment"
    for index in range(count):
        sealed = body[index * (SEGMENT + TAG) : (index + 1) * (SEGMENT + TAG)]
        opened = cipher.decrypt(nonce(prefix, index, index == count - 1), sealed, None)
        assert opened or index == 0, "an empty segment follows another one"
        plain += opened
    return plain


def oaep_with_seed(message, seed, size):
    def mask(value, length):
        blocks = (hashlib.sha256(value + n.to_bytes(4, "big")).digest() for n in range(length // 32 + 1))
        return b"".join(blocks)[:length]

    xor = lambda a, b: bytes(x ^ y for x, y in zip(a, b))
    block = hashlib.sha256(b"").digest() + bytes(size - len(message) - 66) + b"\1" + message
    masked = xor(block, mask(seed, len(block)))
    return b"\0" + xor(seed, mask(masked, 32)) + masked


def pattern(seed, length):
    return bytes((31 * i + 17 * (i // 256) + 7 * (i // 65536) + seed) % 256 for i in range(length))


def make_vector(ident, keys, master, length, bound):
    random = lambda purpose: hashlib.sha256(f"{ident} {purpose}".encode()).digest()
    data_key, salt, seed, where = random("data key"), random("salt"), random("seed"), "examplebucket-1250000000/secret.bin"
    key_id, name = "2026".encode(), hashlib.sha256(where.encode()).digest() if bound else b""
    if master == "aes256-a":
        wrapped = keywrap.aes_key_wrap(base64.b64decode(open(f"{keys}/aes256-a.key").read()), data_key)
    else:
        public = serialization.load_pem_public_key(open(f"{keys}/rsa2048-a.public.spki.pem", "rb").read()).public_numbers()
        block = int.from_bytes(oaep_with_seed(data_key, seed, 256), "big")
        wrapped = pow(block, public.e, public.n).to_bytes(256, "big")
    cipher, prefix, commitment = derive(data_key, salt, len(name) // 32, name)
    fields = MAGIC + bytes([1, 1 if master == "aes256-a" else 2, 16, len(name) // 32]) + salt
    fields += bytes([len(key_id)]) + key_id + name + len(wrapped).to_bytes(2, "big") + wrapped + commitment
    plain, count = pattern(length % 251, length), max(1, -(-length // SEGMENT))
    parts = [plain[i * SEGMENT : (i + 1) * SEGMENT] for i in range(count)]
    sealed = b"".join(cipher.encrypt(nonce(prefix, i, i == count - 1), part, None) for i, part in enumerate(parts))
    whole = fields + bytes(HEADER - len(fields)) + sealed
    encode = lambda value: base64.b64encode(value).decode()
    return {
        "id": ident,
        "masterKey": master,
        "keyId": key_id.decode(),
        "name": where if bound else None,
        "dataKeyHex": data_key.hex(),
        "saltHex": salt.hex(),
        "oaepSeedHex": seed.hex() if master == "rsa2048-a" else None,
        "plaintext": {"kind": "pattern", "seed": length % 251, "length": length, "sha256": hashlib.sha256(plain).hexdigest()},
        "object": {"length": len(whole), "sha256": hashlib.sha256(whole).hexdigest(), "segmentsSha256": hashlib.sha256(sealed).hexdigest()}
        | ({"base64": encode(whole)} if length < 100 else {}),
        "metadata": {"x-cos-meta-client-side-encryption-key": "cospipe-sealed", "x-cos-meta-cospipe-sealed": encode(fields)},
    }


def main(command, *args):
    if command == "make":
        sizes = [0, 1, 16, 65535, 65536, 65537, 200000]
        cases = [("aes", "aes256-a", size, True) for size in sizes] + [("rsa", "rsa2048-a", size, True) for size in (0, 17, 131072)]
        cases += [("aes-unbound", "aes256-a", 33, False)]
        vectors = [make_vector(f"{kind}-{size}", args[0], master, size, bound) for kind, master, size, bound in cases]
        print(json.dumps({"schema": 1, "subject": "sealed objects", "producedBy": "spec/interop/sealed.py make, Python's cryptography", "vectors": vectors}, indent=1))
        return
    object_path, key_path, name = args
    try:
        sys.stdout.buffer.write(open_sealed(open(object_path, "rb").read(), open(key_path, "rb").read(), name))
    except (AssertionError, InvalidTag, keywrap.InvalidUnwrap, ValueError) as problem:
        sys.exit(f"refused: {problem or type(problem).__name__}")


main(*sys.argv[1:])
