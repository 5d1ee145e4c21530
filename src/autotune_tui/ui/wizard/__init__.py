"""The setup wizard's steps and what they are made of; `screens/wizard.py` puts them together."""
