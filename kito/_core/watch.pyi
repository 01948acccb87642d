# Watch: looks for the end of a client whose input is not read.

from kito._core.clock import Timed

class Watch(Timed): ...
