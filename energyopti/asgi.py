"""The web, for uvicorn: `uvicorn energyopti.asgi:application`."""

from django.core.asgi import get_asgi_application

from energyopti import env

env.serving(pool=True)
application = get_asgi_application()
