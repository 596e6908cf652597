"""The types that the other folders share: the input of a pass (`Observation`) and its output (`Decision`)."""
