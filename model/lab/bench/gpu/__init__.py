"""`dlm-fill bench gpu`: networks of the published shapes with random weights, against what the device could do at best."""
