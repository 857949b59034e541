"""Replays of labelled data through the use cases that serve Query: which strategy saves labels?"""
