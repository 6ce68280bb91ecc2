from .classes import atlas_sizes as atlas_sizes
from .classes import class_masks as class_masks
from .classes import pattern_classes as pattern_classes
from .layers import Layer as Layer
from .masks import check_masks as check_masks
from .reading import read_layers as read_layers
from .reading import read_masks as read_masks
