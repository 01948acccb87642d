"""Exchange: one request and its response, the seam under every protocol."""

from libc.stdint cimport int64_t, uint64_t

from kito._core.clock cimport Clock, Deadline, Timed
from kito._core.common cimport DisconnectPolicy, ExchangePhase, Framing
from kito._core.encoder cimport ResponseHead
from kito._core.event cimport Event


# How a stream ended, as on_close callbacks are told.
cdef class StreamEnd:
    cdef readonly str reason      # ended, client_left, timeout, overflow, shutdown, error
    cdef readonly uint64_t bytes_sent
    cdef readonly uint64_t events_sent


# Totals of a loop's exchanges, owned by the loop's state.
cdef class Tally:
    cdef public uint64_t requests
    cdef public uint64_t streams_opened
    cdef public uint64_t streams_open
    cdef public uint64_t events
    cdef public uint64_t body_bytes
    cdef dict ends                # reason -> number of streams


# The connection of an exchange, as the exchange knows it.
cdef class ExchangeOwner(Timed):
    # The next answer is this connection's last.
    cdef bint stopping(self) noexcept
    # The client has shut its write side: it wants no stream any more.
    cdef bint half_closed(self) noexcept
    # The exchange is over and whole: the next may begin.
    cdef int exchange_over(self, Exchange exchange) except -1
    # The exchange is over and not whole: the connection must end so that the client notices.
    cdef int cut(self, bint reset) except -1
    cdef object info(self, str name)


# Stands in for an exchange where there is none: over, and without effect.
cdef Exchange NO_EXCHANGE


cdef class Exchange(Timed):
    # The request; complete before the handler starts, never changed afterwards.
    cdef readonly bytes method
    cdef readonly bytes target    # in origin-form or b"*", still percent-encoded
    cdef bytes authority          # of an absolute target, None: the Host field counts
    cdef list raw_headers         # flat [name, value, ...] as received
    cdef int minor_version        # of HTTP/1
    cdef bytes body               # None: there was none
    cdef object request           # the handler's Request while the handler runs, if it has one; else None
    cdef dict params              # path parameters, None: none
    # The response.
    cdef ExchangePhase phase      # changed by enter() only
    cdef Framing framing          # meaningful from STREAMING on
    cdef bint head_only           # HEAD: fields of the answer, not its body
    cdef bint is_events           # the open body is an event stream
    cdef bint handling            # the handler runs, or its task does
    cdef bint left_alone          # its writer was dropped while the handler ran
    cdef bint unwanted            # a body was opened that nobody reads (any more)
    cdef int64_t remaining        # declared bytes still owed, -1: no declaration
    cdef uint64_t bytes_sent      # of the body, framing not counted
    cdef uint64_t events_sent
    # The handler's task, None for a plain function; cleared when it is done.
    cdef object task
    cdef DisconnectPolicy on_disconnect
    cdef Tally tally
    cdef Clock clock
    cdef StreamEnd outcome        # None while not over, and after a whole answer while nobody has asked
    cdef list _on_close           # callbacks and futures; None while there are none, and once they were told
    cdef Deadline heartbeat
    cdef int64_t heartbeat_ticks  # 0: off
    cdef int64_t quiet_since      # tick of the last frame

    # A whole response; `owner` keeps `body` alive and may be sent by reference.
    cdef int send(self, ResponseHead head, const char* body, Py_ssize_t size, object owner) except -1
    # The head of a streamed body; decides the framing.
    cdef int open(self, ResponseHead head, bint events) except -1
    # Room for exactly `size` > 0 payload bytes of one frame; fill it, then call wrote().
    cdef char* frame(self, Py_ssize_t size) except NULL
    cdef int write_reference(self, bytes payload) except -1
    cdef int write_shared(self, Event event) except -1
    cdef int wrote(self) except -1
    cdef int flush(self) except -1
    cdef object drained(self)
    cdef int end(self) except -1
    # The client must see truncation; nothing more is sent.
    cdef int abort(self, str reason) except -1
    cdef object connection_info(self, str name)
    # First value of a request field by its lower-case name, None: absent.
    cdef bytes request_field(self, bytes name)

    # Shared by all protocols:
    cdef int enter(self, ExchangePhase phase) except -1
    cdef int over(self, ExchangePhase phase, str reason) except -1
    cdef int client_left(self, str reason) except -1
    # The producer failed: an event stream says so first, and the client sees truncation.
    cdef int crash(self) except -1
    cdef int count_event(self) except -1
    cdef int cancel_producer(self, str why) except -1
    cdef int add_on_close(self, object listener) except -1
    cdef int remove_on_close(self, object listener) except -1
    cdef int _tell(self, object listener) except -1
    cdef int _sum_up(self, str reason) except -1
    cdef bint is_behind(self) noexcept
    cdef int start_heartbeat(self, double seconds) except -1
    cdef int writer_dropped(self) except -1
    cdef int account(self, Py_ssize_t size) except -1
