"""What TensorBoard reads from a folder: tags, steps and values of numbers, sizes of pictures, as JSON."""

import io
import json
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.img_mime_type_detector import from_bytes

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
pictures = {}
for tag in tags["images"]:
    for event in events.Images(tag):
        size = Image.open(io.BytesIO(event.encoded_image_string)).size
        assert size == (event.width, event.height) and from_bytes(event.encoded_image_string) == "image/png"
        pictures.setdefault(tag, []).append([event.step, *size])
numbers = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]}
print(json.dumps({"numbers": numbers, "pictures": pictures}))
