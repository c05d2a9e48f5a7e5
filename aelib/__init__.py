"""The library behind the autoencoder course.

Read the modules in this order; each one imports only modules before it:
data, models, batch_last, optim, training, metrics, zoo, sweep, plotting, drawing, widgets,
publish.
"""

__version__ = "1.0.0"
