"""Back ends that write a gap from left to right, or keep their network to themselves: one hole after the other.

name -> Address -> Writer (what to send, how to read the answer) over a Transport -> SequentialFiller
"""
