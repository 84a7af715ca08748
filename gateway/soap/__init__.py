"""The front door of the МИС: envelope gate, authentication, wire types, services, faults, WSDL publication.

The only room that knows Spyne, and nothing of the rest knows of SOAP.
"""
