"""An S3 server for the test: moto's, made stricter and less reliable.

    server.py PORT LOG      keys `tester` and `its secret/+=`, region eu-test-1, token `a token`

In front of moto, which takes any signature and any body: signatures are computed again by botocore, and
bodies are compared with their SHA-256. Every seventh request is answered 503 before it is looked at, and
every fifth creation 500 after it was done. Lists come in pages of three. LOG gets a line for each of these.
"""

import hashlib
import io
import itertools
import sys
import threading

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

KEY, SECRET, TOKEN, REGION = "tester", "its secret/+=", "a token", "eu-test-1"
# `boto3` of the test itself, which is not the one tested, says so.
TRUSTED = "x-of-the-test"


class Server:
    def __init__(self, log):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.log = log
        self.lock = threading.Lock()
        self.requests, self.created = itertools.count(1), itertools.count(1)

    def note(self, what, request):
        print(what, request.method, request.full_path, file=self.log, flush=True)

    def __call__(self, environ, start_response):
        # One at a time: moto looks for an object and creates it in two steps.
        with self.lock:
            return self.answer(environ, start_response)

    def answer(self, environ, start_response):
        request = Request(environ)
        if TRUSTED in request.headers.get("User-Agent", ""):
            return self.moto(environ, start_response)
        if next(self.requests) % 7 == 0:
            self.note("busy", request)
            return Response("<Error><Code>SlowDown</Code></Error>", 503)(environ, start_response)
        problem = self.problem(environ, request)
        if problem:
            self.note(problem, request)
            body = f"<Error><Code>{problem}</Code><Message>said by the test</Message></Error>"
            return Response(body, 403)(environ, start_response)
        if request.method == "GET" and "list-type=2" in environ["QUERY_STRING"]:
            self.note("list", request)
            environ["QUERY_STRING"] += "&max-keys=3"
        status = []
        body = self.moto(environ, lambda line, headers, *rest: status.append((line, headers)))
        line, headers = status[0]
        if request.method == "PUT" and line.startswith("200"):
            self.note("created", request)
            if next(self.created) % 5 == 0:
                self.note("lost", request)
                return Response("<Error><Code>InternalError</Code></Error>", 500)(environ, start_response)
        if line.startswith("412"):
            self.note("there-already", request)
        start_response(line, headers)
        return body

    @staticmethod
    def problem(environ, request):
        """What is wrong with a request's signature or body."""
        given = request.headers.get("Authorization", "")
        fields = dict(part.split("=", 1) for part in given.removeprefix("AWS4-HMAC-SHA256 ").split(",") if "=" in part)
        if "SignedHeaders" not in fields:
            return "AccessDenied"
        body = request.get_data(cache=True)
        environ["wsgi.input"] = io.BytesIO(body)
        if hashlib.sha256(body).hexdigest() != request.headers.get("X-Amz-Content-SHA256"):
            return "XAmzContentSHA256Mismatch"
        signed = fields["SignedHeaders"].split(";")
        needed = {"host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
        if request.method == "PUT":
            needed.add("if-none-match")
        if not needed <= set(signed):
            return "HeadersNotSigned"
        headers = {name: request.headers[name] for name in signed}
        url = f"http://{request.host}{environ.get('RAW_URI') or environ['REQUEST_URI']}"
        again = AWSRequest(method=request.method, url=url, headers=headers)
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        auth = S3SigV4Auth(Credentials(KEY, SECRET, TOKEN), "s3", REGION)
        text = auth.string_to_sign(again, auth.canonical_request(again))
        if fields["Signature"] != auth.signature(text, again):
            return "SignatureDoesNotMatch"
        if request.headers["X-Amz-Security-Token"] != TOKEN:
            return "InvalidToken"
        return None


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def main():
    with open(sys.argv[2], "w", encoding="utf-8") as log:
        server = make_server("127.0.0.1", int(sys.argv[1]), Server(log), threaded=True, request_handler=Handler)
        print("ready", file=log, flush=True)
        server.serve_forever()


main()
