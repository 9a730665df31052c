"""The web, for servers that speak WSGI alone."""

from django.core.wsgi import get_wsgi_application

from energyopti import env

env.serving(pool=True)
application = get_wsgi_application()
