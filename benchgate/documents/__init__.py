"""Our own JSON documents ↔ the nouns; one document a file, each with its schema.

Documents are decoded strictly: an unknown key, a wrong length or a number that
can't be is an error that names its place, for a document may come from a stranger.
"""
