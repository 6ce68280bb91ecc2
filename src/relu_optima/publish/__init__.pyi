from .aggregate import MedianInterval as MedianInterval
from .aggregate import aggregate_seeds as aggregate_seeds
from .aggregate import median_interval as median_interval
from .contract import Column as Column
from .contract import FigureResult as FigureResult
from .contract import TableResult as TableResult
from .render import render_figure as render_figure
from .render import render_table as render_table
