"""What a human body is: skeletons, body models, cameras, parts and surface charts, ray casting and drawing."""
