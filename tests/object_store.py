"""A real S3 server (moto) on loopback, for as long as a test wants it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from tasks.keep import remote

BUCKET = "polydub-tests"


@contextlib.contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """The variables by which a process reaches it; the bucket is there."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        client = boto3.client("s3", endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test")
        client.create_bucket(Bucket=BUCKET)
        yield {"AWS_ENDPOINT_URL": url, "NO_PROXY": "127.0.0.1", **keys}
    finally:
        server.stop()
        remote.file_system.cache_clear()  # they know this server's address
        s3fs.S3FileSystem.clear_instance_cache()
