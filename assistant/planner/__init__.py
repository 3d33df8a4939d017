"""The offline chat model: normalise -> entities -> intents -> slots -> route -> compose."""
