from .description import describe as describe
from .model_set import OptimalSet as OptimalSet
from .polytope import Polytope as Polytope
from .width import NonConvexSet as NonConvexSet
