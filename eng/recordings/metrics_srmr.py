"""Records speech-to-reverberation modulation energy ratios for tests/Raijin.Metrics.Tests/Sound. Needs Debian's python3-scipy and python3-torch, and torchmetrics from its
public source on PYTHONPATH.

    python3 eng/recordings/metrics_srmr.py tests/Raijin.Metrics.Tests

Each signal is scored four times:
"formula"      the papers' formulas written with scipy;
"torchmetrics" its source, with scipy's lfilter for torchaudio's and Slaney's published coefficients for the gammatone package's;
"window"       the same with torch.hamming_window as SRMRpy has its window: torchmetrics asks for a periodic window of one sample more;
"bands"        K*, and the case.
Signals are made by a formula that the tests repeat; only scores are kept.
"""
import json, math, sys, types
import numpy as np, scipy.signal as sp, torch
import torchmetrics.functional.audio.srmr as tm  # before the stand-ins, for which it would look in vain

CASES = [  # rate, samples, tone in Hz, noise, options
    (8000, 9000, 900, 1.0, {}),
    (16000, 18000, 2500, 0.3, {}),
    (8000, 6001, 180, 0.02, {}),
    (8000, 6001, 480, 0.02, {}),
    (8000, 6001, 70, 0.01, {"low_freq": 50}),
    (11025, 12000, 1500, 0.5, {"norm": True}),
    (8000, 2048, 700, 0.5, {"norm": True, "max_cf": 128}),
    (16000, 12345, 900, 0.5, {"n_cochlear_filters": 5, "low_freq": 200, "min_cf": 3, "max_cf": 64}),
    (8000, 5000, 300, 0.5, {"n_cochlear_filters": 1}),
]


def signal(rate, samples, tone, noise):
    i = np.arange(samples, dtype=np.float64)
    pattern = 0.3 * np.sin(0.7 * i + 7) + 0.2 * np.sin(0.1234 * (i * i) + 1.7 * 7)
    return (np.sin(2 * math.pi * tone / rate * i) + noise * pattern) * (np.maximum(np.sin(25 / rate * i), 0) ** 2 + 0.2 * np.sin(400 / rate * i) ** 2)


def centres(rate, count, low):
    c = 9.26449 * 24.7
    return (rate / 2 + c) * ((low + c) / (rate / 2 + c)) ** (np.arange(1, count + 1) / count) - c


def sections(f, rate):
    """Zeros of the four sections and their common pole (Slaney 1993)."""
    pole = np.exp((-1.019 * 2 * math.pi * (f / 9.26449 + 24.7) + 2j * math.pi * f) / rate)
    slopes = [math.sqrt(3 + 2 ** 1.5), -math.sqrt(3 + 2 ** 1.5), math.sqrt(3 - 2 ** 1.5), -math.sqrt(3 - 2 ** 1.5)]
    return [pole.real + k * pole.imag for k in slopes], pole


def formula(x, rate, n_cochlear_filters=23, low_freq=125, min_cf=4, max_cf=None, norm=False):
    max_cf = max_cf or (30 if norm else 128)
    length, hop = math.ceil(0.256 * rate), math.ceil(0.064 * rate)
    window = sp.get_window("hamming", length)
    energy = []
    for f in centres(rate, n_cochlear_filters, low_freq)[::-1]:
        zeros, pole = sections(f, rate)
        y = x
        for z in zeros:
            b, a = [1, -z], np.poly([pole, pole.conjugate()]).real
            y = sp.lfilter(np.array(b) / abs(sp.freqz(b, a, [2 * math.pi * f / rate])[1][0]), a, y)
        envelope = abs(sp.hilbert(y, 16 * math.ceil(len(x) / 16))[:len(x)])
        rows = []
        for centre in np.geomspace(min_cf, max_cf, 8):
            w = math.tan(math.pi * centre / rate)
            b, a = sp.bilinear([w / 2, 0], [1, w / 2, w * w], fs=0.5)
            m = sp.lfilter(b, a, envelope)
            rows.append([np.sum((window * m[s:s + length]) ** 2) for s in range(0, len(x) - length + 1, hop)])
        energy.append(rows)
    energy = np.array(energy)
    if norm:
        peak = energy.mean(0).max()
        energy = energy.clip(peak / 1000, peak)
    mean = energy.mean(2)
    share = np.cumsum(mean.sum(1)) / mean.sum()
    width = (centres(rate, n_cochlear_filters, low_freq)[::-1] / 9.26449 + 24.7)[np.argmax(share > 0.9)]
    centre = np.geomspace(min_cf, max_cf, 8)
    last = int(np.sum(centre - np.tan(math.pi * centre / rate) / 2 * rate / (2 * math.pi) <= width))
    return float(mean[:, :4].sum() / mean[:, 4:last].sum()), last


def coefficients(rate, f):
    rows = []
    for centre in f:
        zeros, pole = sections(centre, rate)
        at = np.exp(-2j * math.pi * centre / rate)
        gain = np.prod([abs((1 - z * at) / ((1 - pole * at) * (1 - pole.conjugate() * at))) / rate for z in zeros])
        rows.append([1 / rate, *(-z / rate for z in zeros), 0, 1, -2 * pole.real, abs(pole) ** 2, gain])
    return np.array(rows)


def lfilter(x, a, b, clamp=True, batching=True):
    y = torch.empty_like(x)
    for k in range(x.shape[-2]):
        y[..., k, :] = torch.tensor(sp.lfilter(b[k].numpy(), a[k].numpy(), x[..., k, :].numpy()))
    return y.clamp(-1, 1) if clamp else y


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)


module("gammatone")
module("gammatone.filters", centre_freqs=centres, make_erb_filters=coefficients)
module("gammatone.fftweight", fft_gtgram=None)
module("torchaudio")
module("torchaudio.functional")
module("torchaudio.functional.filtering", lfilter=lfilter)
tm._TORCHAUDIO_AVAILABLE = tm._GAMMATONE_AVAILABLE = True

torch.set_default_dtype(torch.float64)
periodic = torch.hamming_window
r = []
for rate, samples, tone, noise, options in CASES:
    x = signal(rate, samples, tone, noise)
    scores = []
    for window in (periodic, lambda n, **kwargs: periodic(n, periodic=False, **kwargs)):
        torch.hamming_window = window
        scores.append(float(tm.speech_reverberation_modulation_energy_ratio(torch.tensor(x), rate, **options)))
    score, bands = formula(x, rate, **options)
    r.append({"rate": rate, "samples": samples, "tone": tone, "noise": noise, "filters": options.get("n_cochlear_filters", 23), "low": options.get("low_freq", 125),
              "min": options.get("min_cf", 4), "max": options.get("max_cf", "nan"), "normalized": options.get("norm", False),
              "torchmetrics": scores[0], "window": scores[1], "formula": score, "bands": bands})

with open(f"{sys.argv[1]}/Sound/Recordings/srmr.json", "w") as file:
    json.dump(r, file, indent=1)
