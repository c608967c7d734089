#!/usr/bin/env python3
"""Reads one batch file as docs/format.md describes it, and shares no code with the programs that write it.

Verifies the signature with the sender's public key, unwraps the data key with the receiver's private key, decrypts,
decompresses, checks every digest, and prints the records, one a line.
Needs openssl (3.0 or later) on the path, and the packages cryptography (48 or later) and zstandard.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MAGIC, END, LABEL = b"ferry/1 batch  \n", b"\nferry/1 end\n", b"ferry-statement/1\n"
PLAIN_BYTES_MAX, HEADER_BYTES_MAX = 32 << 20, 1 << 20


def refuse(reason):
    sys.exit(f"refused: {reason}")


def sm3(data):
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)


def cut(data):
    """The signed bytes, the header, the body and the signature."""
    if not data.startswith(MAGIC):
        refuse("not a batch file")
    newline = data.find(b"\n", len(MAGIC), len(MAGIC) + HEADER_BYTES_MAX)
    if newline < 0:
        refuse("the header does not end")
    header = json.loads(data[len(MAGIC) : newline])
    envelope = header["envelope"]
    body_end = newline + 1 + envelope["compressed"] + 16 * len(envelope["chunks"])
    if body_end >= len(data):
        refuse("the file ends too early")
    signature_end = body_end + 1 + data[body_end]
    if data[signature_end:] != END:
        refuse("the end mark is not where the header says")
    return data[: newline + 1], header, data[newline + 1 : body_end], data[body_end + 1 : signature_end]


def verify(signed, signature, public_pem):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "signature.der")
        path.write_bytes(signature)
        arguments = ["-verify", public_pem, "-signature", str(path), "-sigopt", "distid:1234567812345678"]
        if openssl("dgst", "-sm3", *arguments, data=signed).returncode != 0:
            refuse("the signature does not verify")


def unwrap(envelope, private_pem):
    spki = openssl("pkey", "-in", private_pem, "-pubout", "-outform", "DER").stdout
    own = sm3(spki)[:16].hex()
    wraps = [recipient["wrap"] for recipient in envelope["recipients"] if recipient["key"] == own]
    if not wraps:
        refuse("not sealed to this key")
    result = openssl("pkeyutl", "-decrypt", "-inkey", private_pem, data=bytes.fromhex(wraps[0]))
    if result.returncode != 0 or len(result.stdout) != 16:
        refuse("the data key does not unwrap")
    return result.stdout


def decrypt(envelope, body, key, statement_digest):
    associated = statement_digest + envelope["suite"].to_bytes(2, "big") + envelope["chunk_bytes"].to_bytes(4, "big")
    size = envelope["chunk_bytes"] + 16
    count, plain = len(envelope["chunks"]), b""
    for index in range(count):
        chunk = body[index * size : (index + 1) * size]
        if sm3(chunk).hex() != envelope["chunks"][index]:
            refuse(f"chunk {index} was modified in transit")
        nonce = bytes.fromhex(envelope["nonce"]) + index.to_bytes(4, "big") + bytes([index + 1 == count])
        decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, chunk[-16:])).decryptor()
        decryptor.authenticate_additional_data(associated)
        try:
            plain += decryptor.update(chunk[:-16]) + decryptor.finalize()
        except InvalidTag:
            refuse(f"chunk {index} does not decrypt")
    return plain


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--signer", required=True, help="the sender's public signing key in PEM")
    parser.add_argument("--key", required=True, help="the receiver's private encryption key in PEM")
    options = parser.parse_args()

    signed, header, body, signature = cut(pathlib.Path(options.file).read_bytes())
    verify(signed, signature, options.signer)
    envelope, statement = header["envelope"], header["statement"]
    if statement["plain"]["bytes"] > PLAIN_BYTES_MAX:
        refuse("too large")
    text = json.dumps(statement, separators=(",", ":"), sort_keys=True).encode("ascii")
    digest = sm3(LABEL + text)
    plain = decrypt(envelope, body, unwrap(envelope, options.key), digest)
    if envelope["compression"] == "zstd":
        plain = zstandard.ZstdDecompressor().decompress(plain, max_output_size=statement["plain"]["bytes"])
    if len(plain) != statement["plain"]["bytes"] or sm3(plain).hex() != statement["plain"]["sm3"]:
        refuse("the records are not those that were stated")
    print(f"statement {digest.hex()}", file=sys.stderr)
    sys.stdout.buffer.write(plain[32:])


if __name__ == "__main__":
    main()
