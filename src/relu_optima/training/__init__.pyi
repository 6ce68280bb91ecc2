from .engine import train as train
from .problem import Problem as Problem
from .problem import Trained as Trained
