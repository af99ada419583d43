"""Records what Pillow and NumPy make of small images, for tests/Raijin.Data.Tests/Images. Needs Debian's python3-pil and python3-numpy.

    python3 eng/recordings/images.py tests/Raijin.Data.Tests/Images/Recordings
"""
import base64, io, json, sys, zlib
import numpy as np
from PIL import Image, ImageEnhance, ImageOps, features

out = sys.argv[1]
rng = np.random.default_rng(7)


def scene(width, height):
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 70 * np.sin(x * 0.11 * (c + 1) + y * 0.07) + 40 * np.cos(y * 0.23 - x * 0.05 * c) for c in range(3)]
    return Image.fromarray(np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8))


def packed(image):
    array = np.asarray(image.convert("RGB"), dtype=np.uint8)
    return {"width": array.shape[1], "height": array.shape[0],
            "rgb": base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()}


source = scene(30, 24)
big = scene(42, 36)  # more than one block of chroma each way
results = {
    "source": source,
    "resize_12x30": source.resize((12, 30), Image.BILINEAR),
    "resize_7x5": source.resize((7, 5), Image.BILINEAR),
    "resize_40x13": source.resize((40, 13), Image.BILINEAR),
    "resize_30x11": source.resize((30, 11), Image.BILINEAR),
    "resize_18x24": source.resize((18, 24), Image.BILINEAR),
    "crop_resize": source.crop((6, 3, 6 + 23, 3 + 19)).resize((14, 14), Image.BILINEAR),
    "mirrored": source.transpose(Image.FLIP_LEFT_RIGHT),
    "brightness_0.6": ImageEnhance.Brightness(source).enhance(0.6),
    "brightness_1.7": ImageEnhance.Brightness(source).enhance(1.7),
    "contrast_0.4": ImageEnhance.Contrast(source).enhance(0.4),
    "contrast_1.9": ImageEnhance.Contrast(source).enhance(1.9),
    "saturation_0.3": ImageEnhance.Color(source).enhance(0.3),
    "saturation_1.8": ImageEnhance.Color(source).enhance(1.8),
    "sharpness_0.1": ImageEnhance.Sharpness(source).enhance(0.1),
    "sharpness_1.9": ImageEnhance.Sharpness(source).enhance(1.9),
    "grey": source.convert("L").convert("RGB"),
    "posterize_3": ImageOps.posterize(source, 3),
    "solarize_100": ImageOps.solarize(source, 100),
    "invert": ImageOps.invert(source),
    "autocontrast": ImageOps.autocontrast(ImageEnhance.Contrast(source).enhance(0.4)),
    "equalize": ImageOps.equalize(source),
    "rotate_17": source.rotate(17, Image.NEAREST),
}
files = {}


def save(name, image, **options):
    data = io.BytesIO()
    image.save(data, optimize=True, **options)  # small Huffman tables
    files[name] = base64.b64encode(data.getvalue()).decode()
    results["decoded_" + name] = ImageOps.exif_transpose(Image.open(io.BytesIO(data.getvalue()))).convert("RGB")


save("jpeg420", big, format="JPEG", quality=90, subsampling=2)
save("jpeg444", source, format="JPEG", quality=90, subsampling=0)
save("progressive", source, format="JPEG", quality=85, progressive=True)
save("greyjpeg", source.convert("L"), format="JPEG", quality=90)
save("png", source, format="PNG")
save("greypng", source.convert("L"), format="PNG")
save("palette", source.quantize(32), format="PNG")
alpha = source.copy()
alpha.putalpha(Image.fromarray(rng.integers(0, 256, (24, 30)).astype(np.uint8)))
save("transparent", alpha, format="PNG")
save("bmp", source.resize((16, 16)), format="BMP")
save("webp", source.resize((24, 16)), format="WEBP", lossless=True)
small = scene(20, 12)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(f"orientation{orientation}", small, format="JPEG", quality=95, subsampling=0, exif=exif.tobytes())

with open(out + "/pillow.json", "w") as file:
    json.dump({"pillow": Image.__version__, "jpeg": features.version("libjpeg_turbo"), "numpy": np.__version__,
               "files": files, "images": {name: packed(image) for name, image in results.items()}}, file, indent=0)
    file.write("\n")
