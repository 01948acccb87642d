"""Fields: names and values of a head while it arrives, until a list of just their number is made of them."""

from cpython.list cimport PyList_New
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF

cdef extern from "Python.h":
    # The one of cpython.list takes an object, and so a reference more.
    void _set_item "PyList_SET_ITEM"(object items, Py_ssize_t index, PyObject* item)


cdef enum:
    FIRST_FIELDS = 32             # pointers of the first block: a browser sends 16 fields


cdef struct Fields:
    PyObject** items              # name, value, ..., a reference to each is ours; NULL while room is 0
    Py_ssize_t used
    Py_ssize_t room


cdef inline int _grow_fields(Fields* fields) except -1:
    cdef Py_ssize_t room = 2 * fields.room if fields.room else FIRST_FIELDS
    cdef PyObject** items = <PyObject**>PyMem_Realloc(fields.items, room * sizeof(PyObject*))
    if items is NULL:
        raise MemoryError()
    fields.items = items
    fields.room = room
    return 0


cdef inline int keep_field(Fields* fields, bytes name, bytes value) except -1:
    if fields.used == fields.room:
        _grow_fields(fields)
    Py_INCREF(name)
    Py_INCREF(value)
    fields.items[fields.used] = <PyObject*>name
    fields.items[fields.used + 1] = <PyObject*>value
    fields.used += 2
    return 0


# The fields as [name, value, ...]; none are left.
cdef inline list take_fields(Fields* fields):
    cdef list taken = PyList_New(fields.used)
    cdef Py_ssize_t index
    for index in range(fields.used):
        _set_item(taken, index, fields.items[index])
    fields.used = 0
    return taken


cdef inline void drop_fields(Fields* fields) noexcept:
    cdef Py_ssize_t index
    for index in range(fields.used):
        Py_DECREF(<object>fields.items[index])
    fields.used = 0


cdef inline void free_fields(Fields* fields) noexcept:
    drop_fields(fields)
    PyMem_Free(fields.items)
    fields.items = NULL
    fields.room = 0
