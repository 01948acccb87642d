"""The tree of exceptions: who is to blame, which status answers it, and what the message says."""

import pickle

import pytest

from kito import errors
from kito.errors import (
    BadRequest,
    ConfigError,
    ConnectionClosed,
    HandlerTimeout,
    HTTPError,
    InvalidEvent,
    InvalidHeader,
    KitoError,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    RoutingError,
    error_document,
)

REMOTE = {
    "BadRequest": 400,
    "RequestTimeout": 408,
    "BodyTooLarge": 413,
    "URITooLong": 414,
    "HeadTooLarge": 431,
    "NotImplementedCoding": 501,
    "VersionNotSupported": 505,
}
LOCAL = (
    "ResponseStarted",
    "ResponseEnded",
    "BodyLengthMismatch",
    "NothingAnswered",
    "InvalidHeader",
    "InvalidEvent",
    "BacklogExceeded",
)
CLASSES = [thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, KitoError)]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_exception_is_listed_and_says_when_it_is_raised(cls):
    assert cls.__name__ in errors.__all__
    if cls is not KitoError:
        assert cls.__doc__.startswith("Raised")


@pytest.mark.parametrize(("name", "status"), REMOTE.items())
def test_what_the_client_did_has_its_status_and_a_sentence(name, status):
    cls = getattr(errors, name)
    error = cls()
    assert isinstance(error, RemoteProtocolError)
    assert error.status == cls.status == status
    assert str(error) == error.message == cls.default_message
    assert " " in str(error)


@pytest.mark.parametrize("name", LOCAL)
def test_what_the_application_did_is_a_500(name):
    error = getattr(errors, name)()
    assert isinstance(error, LocalProtocolError)
    assert not isinstance(error, RemoteProtocolError)
    assert error.status == 500
    assert " " in str(error)


def test_the_default_messages_differ():
    messages = [cls.default_message for cls in CLASSES if issubclass(cls, ProtocolError)]
    assert len(set(messages)) == len(messages)


def test_a_protocol_error_takes_a_message_and_a_status_of_its_own():
    error = BadRequest("there is no Host", 421)
    assert (str(error), error.message, error.status) == ("there is no Host", "there is no Host", 421)
    assert BadRequest.status == 400
    assert str(BadRequest("")) == ""


def test_a_handler_that_takes_too_long_is_a_503():
    assert issubclass(HandlerTimeout, LocalProtocolError)
    assert HandlerTimeout().status == 503


@pytest.mark.parametrize("cls", [InvalidHeader, InvalidEvent, ConfigError])
def test_a_bad_value_is_a_value_error_too(cls):
    assert issubclass(cls, ValueError)


@pytest.mark.parametrize("cls", [errors.DuplicateRoute, errors.InvalidPath])
def test_registration_has_its_own_branch(cls):
    assert issubclass(cls, RoutingError)
    assert not issubclass(cls, ProtocolError)


def test_connection_closed_says_how_it_went():
    assert str(ConnectionClosed()) == ConnectionClosed().reason == "the client closed the connection"
    assert ConnectionClosed("it was reset").reason == "it was reset"
    assert not issubclass(ConnectionClosed, ProtocolError)


def test_http_error_keeps_what_it_was_given():
    error = HTTPError(404, "no cat has the id 7", headers={"X-Cat": "7"}, code="CAT_NOT_FOUND")
    assert (error.status, error.message, error.code) == (404, "no cat has the id 7", "CAT_NOT_FOUND")
    assert error.headers == (("X-Cat", "7"),)
    assert str(error) == "404 no cat has the id 7"


def test_http_error_keeps_repeated_headers_in_order():
    pairs = [("Link", "</a>"), ("Link", "</b>")]
    assert HTTPError(500, headers=iter(pairs)).headers == tuple(pairs)
    assert HTTPError(500).headers == ()


@pytest.mark.parametrize(
    ("status", "message"), [(404, "Not Found"), (418, "I'm a Teapot"), (499, "Client Error"), (599, "Server Error")]
)
def test_http_error_has_a_message_by_its_status(status, message):
    assert HTTPError(status).message == message


@pytest.mark.parametrize("status", [200, 399, 600, "404", 404.0, True, None])
def test_http_error_refuses_what_is_no_error_status(status):
    with pytest.raises(ValueError, match="400 to 599"):
        HTTPError(status)


@pytest.mark.parametrize(
    "error", [BadRequest("no Host", 421), ConnectionClosed("reset"), HTTPError(404, "no", headers={"A": "b"}, code="C")]
)
def test_exceptions_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_the_document_of_an_error_has_its_phrase_and_the_message_where_there_is_one():
    assert error_document(404) == {"error": "Not Found"}
    assert error_document(599, "no disk") == {"error": "Server Error", "message": "no disk"}
