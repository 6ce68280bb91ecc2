from .preparation import Prepared as Prepared
from .preparation import prepare as prepare
from .raw import RawData as RawData
from .raw import array_digest as array_digest
from .ready import load as load
