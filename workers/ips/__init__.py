"""ФРМО and ФРМР, the registers behind the ИПС of the ministry: what their transport and their stand-in share.

``schemas`` writes the XSDs of both registers, ``register`` reads them back as the one description of entities and
operations, ``mirror`` turns XML packets into JSON and answers into XML, ``tokens`` makes the tokens of ИПС,
``limiter`` spaces requests out.
"""
