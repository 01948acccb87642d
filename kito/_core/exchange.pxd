"""Exchange: one request and its response, the seam under every protocol."""

from libc.stdint cimport int64_t, uint64_t

from kito._core.body cimport BodySource, RequestBody
from kito._core.clock cimport Clock, Deadline, Timed
from kito._core.common cimport DisconnectPolicy, ExchangePhase, Framing
from kito._core.encoder cimport ResponseHead
from kito._core.coding cimport Coding
from kito._core.endpoint cimport Endpoint
from kito._core.event cimport Event, EventSpans
from kito._core.tally cimport StreamEnd, Tally
from kito._core.windows cimport Gatherer
from kito._core.writer cimport Cork


# The connection of an exchange, as the exchange knows it.
cdef class ExchangeOwner(BodySource):
    # The next answer is this connection's last.
    cdef bint stopping(self) noexcept
    # The client has shut its write side: it wants no stream any more.
    cdef bint half_closed(self) noexcept
    # How long a cancelled handler may clean up.
    cdef int64_t cleanup_ticks(self) noexcept
    # The server stops: streams are to come to their end.
    cdef bint closing(self) noexcept
    # The exchange is over and whole: the next may begin.
    cdef int exchange_over(self, Exchange exchange) except -1
    # The exchange is over and not whole: the connection must end so that the client notices.
    cdef int cut(self, bint reset) except -1
    cdef object info(self, str name)


# What a stream does beyond writing at once; kito._core.flow implements it.
cdef class Flow(Gatherer):
    cdef bint lets_go             # a client that is more than max_backlog behind is let go
    cdef uint64_t dropped         # events
    cdef Coding coding            # of the body, None: it is sent as it is written
    # The client takes output again.
    cdef int resumed(self) except -1
    # Whatever is kept goes out.
    cdef int settle(self) except -1
    # The body ends: the same, and what completes it.
    cdef int finish(self) except -1
    # The stream is over: nothing is kept any more.
    cdef void forget(self) noexcept


# Stands in for an exchange where there is none: over, and without effect.
cdef Exchange NO_EXCHANGE


cdef class Exchange(Timed):
    # The request; complete before the handler starts, never changed afterwards.
    cdef readonly bytes method
    cdef readonly bytes target    # in origin-form or b"*", still percent-encoded
    cdef bytes authority          # of an absolute target, None: the Host field counts
    cdef list raw_headers         # flat [name, value, ...] as received
    cdef int minor_version        # of HTTP/1
    cdef bytes body               # None: there was none, or it is streamed and nobody asked for all of it
    cdef RequestBody inbound      # a body that the handler reads as it arrives, None: no such body
    cdef list trailers            # flat [name, value, ...] of the fields behind the body, None: none (yet)
    cdef Endpoint endpoint        # what answers; None while nobody has asked for it
    cdef object request           # the handler's Request while the handler runs, if it has one; else None
    cdef dict params              # path parameters, None: none
    # The response.
    cdef ExchangePhase phase      # changed by enter() only
    cdef Framing framing          # meaningful from STREAMING on
    cdef bint head_only           # HEAD: fields of the answer, not its body
    cdef bint is_events           # the open body is an event stream
    cdef bint handling            # the handler runs, or its task does
    cdef bint closing             # the server stops, and the stream was told
    cdef bint serves_half_closed  # its client may have shut its write side and still read
    cdef bint left_alone          # its writer was dropped while the handler ran
    cdef bint failing             # an error handler answers, or has tried to
    cdef bint unwanted            # a body was opened that nobody reads (any more)
    cdef int64_t remaining        # declared bytes still owed, -1: no declaration
    cdef uint64_t bytes_sent      # of the body, framing not counted
    cdef uint64_t events_sent
    # The handler's task, None for a plain function; cleared when it is done.
    cdef object task
    cdef bint cancelled           # we have cancelled it: not again before its cleanup is too late
    cdef DisconnectPolicy on_disconnect
    cdef double started           # when its task was started, or its body opened; 0.0 before
    cdef bint awaits_first        # its body is open, and nothing of it was written
    cdef Flow flow                # None for a stream that writes at once, and once it is over
    cdef Tally tally
    cdef Clock clock
    cdef StreamEnd outcome        # None while not over, and after a whole answer while nobody has asked
    cdef list _on_close           # callbacks and futures; None while there are none, and once they were told
    cdef list _on_closing         # the same for the server's stop; None once they were told or the stream is over
    cdef Deadline heartbeat       # behind the end of the stream: of the cleanup of its cancelled handler
    cdef int64_t heartbeat_ticks  # 0: off
    cdef int64_t quiet_since      # tick of the last frame

    # A whole response; `owner` keeps `body` alive and may be sent by reference.
    cdef int send(self, ResponseHead head, const char* body, Py_ssize_t size, object owner) except -1
    # The head of a streamed body; decides the framing.
    cdef int open(self, ResponseHead head, bint events) except -1
    # One frame of `size` > 0 bytes; `owner` is the bytes object they are in, or None.
    cdef int write_frame(self, const char* data, Py_ssize_t size, object owner) except -1
    # One event in one frame, as measure_event() has described it, and counted; one that is encoded is only written.
    cdef int write_event(self, EventSpans* spans, Py_ssize_t size) except -1
    cdef int write_shared(self, Event event) except -1
    # What kito itself says in a body: it is coded like the rest, and is nobody's first chunk.
    cdef int write_block(self, bytes block) except -1
    cdef int flush(self) except -1
    # Keep what is written from leaving, up to CORK_BYTES of it; or let it go.
    cdef int hold(self, bint held) except -1
    cdef object drained(self)
    cdef int end(self) except -1
    # The body has had its time: a clean end, unless its declared length says otherwise.
    cdef int expire(self, str reason) except -1
    # Water marks for this stream alone, in bytes; 0: as they are. Returns max_backlog as it is then.
    cdef Py_ssize_t set_marks(self, Py_ssize_t high_water, Py_ssize_t max_backlog) except -1
    # Bytes that were written and that the kernel has not taken.
    cdef Py_ssize_t backlog(self) noexcept
    # What the loop's turn collects.
    cdef Cork cork(self)
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
    cdef int cancel_producer(self, str why) except -1
    cdef int cancel_task(self, str why) except -1
    cdef int64_t cleanup_ticks(self) noexcept
    cdef int add_on_close(self, object listener) except -1
    cdef int remove_on_close(self, object listener) except -1
    cdef int _sum_up(self, str reason) except -1
    # The server stops: tell the producer, and the client of an event stream.
    cdef int say_farewell(self) except -1
    cdef int add_on_closing(self, object listener) except -1
    # The server stops already.
    cdef bint opened_late(self) noexcept
    # What a reconnecting client saw last: a header, or a field of the query; None: nothing that could be an id.
    cdef str last_event_id(self)
    cdef bint is_behind(self) noexcept
    cdef int start_heartbeat(self, double seconds) except -1
    cdef int writer_dropped(self) except -1
    cdef int _account_declared(self, Py_ssize_t size) except -1

    # Count payload bytes that are about to be framed; a declared length is not exceeded.
    cdef inline int account(self, Py_ssize_t size) except -1:
        if self.remaining >= 0:
            self._account_declared(size)
        self.bytes_sent += size
        self.tally.body_bytes += size
        self.quiet_since = self.clock.tick
        return 0

    cdef inline void count_event(self) noexcept:
        self.events_sent += 1
        self.tally.events += 1
