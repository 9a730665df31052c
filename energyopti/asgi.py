"""The web, for uvicorn: `uvicorn energyopti.asgi:application`."""

from django.core.asgi import get_asgi_application

from energyopti import env

env.serving(pool=True)
django_application = get_asgi_application()  # reads the settings

from energyopti import bodies  # noqa: E402 -- after them

application = bodies.limited(django_application)
