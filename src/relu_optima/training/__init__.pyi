from .engine import train as train
from .export import canonical_masks as canonical_masks
from .export import save_network as save_network
from .problem import Problem as Problem
from .problem import Trained as Trained
