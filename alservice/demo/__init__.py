"""The main job on real data, from nothing: how many labels does a strategy save?"""
