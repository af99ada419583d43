"""Records what torchmetrics makes of short signals, for tests/Raijin.Metrics.Tests/Sound and /Multimodal; the intelligibility measures, for which it calls another package, follow the
papers' formulas. Needs Debian's python3-scipy and python3-torch, and torchmetrics from its public source on PYTHONPATH.

    python3 eng/recordings/metrics_sound.py tests/Raijin.Metrics.Tests

Signals are made by a formula that the tests repeat; only scores are kept.
"""
import json, math, sys
import numpy as np, torch
from scipy.signal import resample_poly
import torchmetrics.functional.audio as tm
from torchmetrics.functional.multimodal.lve import lip_vertex_error

torch.set_default_dtype(torch.float64)


def pattern(seed, *shape):
    i = np.arange(math.prod(shape), dtype=np.float64)
    return torch.tensor((0.5 + 0.3 * np.sin(0.7 * i + seed) + 0.2 * np.sin(0.1234 * (i * i) + 1.7 * seed)).reshape(shape))


def values(t):
    return [float(v) for v in t.flatten()]


r = {}
t = pattern(1, 3, 2, 400)
p = 0.7 * t + 0.2 * pattern(2, 3, 2, 400)
r["snr"] = values(tm.signal_noise_ratio(p, t))
r["snr_zero_mean"] = values(tm.signal_noise_ratio(p, t, zero_mean=True))
r["si_sdr"] = values(tm.scale_invariant_signal_distortion_ratio(p, t))
r["si_snr"] = values(tm.scale_invariant_signal_noise_ratio(p, t))
r["sa_sdr"] = values(tm.source_aggregated_signal_distortion_ratio(p, t))
r["sa_sdr_plain"] = values(tm.source_aggregated_signal_distortion_ratio(p, t, scale_invariant=False, zero_mean=True))
r["c_si_snr"] = values(tm.complex_scale_invariant_signal_noise_ratio(p.reshape(3, 2, 20, 10, 2), t.reshape(3, 2, 20, 10, 2)))
r["c_si_snr_zero_mean"] = values(tm.complex_scale_invariant_signal_noise_ratio(p.reshape(3, 2, 20, 10, 2), t.reshape(3, 2, 20, 10, 2), zero_mean=True))
r["sdr16"] = values(tm.signal_distortion_ratio(p, t, filter_length=16))
r["sdr16_zero_mean"] = values(tm.signal_distortion_ratio(p, t, filter_length=16, zero_mean=True))
r["sdr16_load"] = values(tm.signal_distortion_ratio(p, t, filter_length=16, load_diag=0.1))
t = pattern(3, 2, 4000) - 0.5
p = torch.cat([torch.zeros(2, 3), t[:, :-3]], 1) * 0.6 + 0.3 * (pattern(4, 2, 4000) - 0.5)
r["sdr512"] = values(tm.signal_distortion_ratio(p, t))

for speakers in (2, 3, 4, 7):
    t = pattern(5, 4, speakers, 60) - 0.5
    p = (t.flip(1) + 0.5 * torch.roll(t, 1, 1) + 0.9 * (pattern(6, 4, speakers, 60) - 0.5))
    score, order = tm.permutation_invariant_training(p, t, tm.scale_invariant_signal_distortion_ratio)
    r[f"pit{speakers}"] = values(score)
    r[f"pit{speakers}_order"] = values(order)
    score, order = tm.permutation_invariant_training(p, t, lambda a, b: ((a - b) ** 2).mean(-1), eval_func="min")
    r[f"pit{speakers}_min"] = values(score)
    r[f"pit{speakers}_min_order"] = values(order)
    if speakers < 7:
        score, order = tm.permutation_invariant_training(p, t, tm.source_aggregated_signal_distortion_ratio, mode="permutation-wise")
        r[f"pit{speakers}_joint"] = values(score)
        r[f"pit{speakers}_joint_order"] = values(order)



def to_10khz(x, rate):
    """Octave's resample: a Kaiser window of 60 dB around a sinc."""
    if rate == 10000:
        return x
    g = math.gcd(rate, 10000)
    p, q = 10000 // g, rate // g
    stop = 1 / (2 * max(p, q))
    half = math.ceil((60 - 8) / (28.714 * stop / 10))
    n = np.arange(-half, half + 1)
    h = np.kaiser(2 * half + 1, 0.1102 * (60 - 8.7)) * 2 * p * stop * np.sinc(2 * stop * n)
    return resample_poly(x, p, q, window=h / h.sum())


def intelligibility(processed, clean, rate, extended):
    """Taal et al. 2011, section II, and Jensen and Taal 2016, section III, one number at a time."""
    x, y = to_10khz(clean, rate), to_10khz(processed, rate)
    w = np.hanning(258)[1:257]
    starts = list(range(0, len(x) - 256, 128))
    loud = [np.linalg.norm(w * x[s:s + 256]) for s in starts]
    kept = [s for s, level in zip(starts, loud) if 20 * math.log10(level + 2.2e-16) > 20 * math.log10(max(loud) + 2.2e-16) - 40]
    silent_free = []
    for v in (x, y):
        out = np.zeros(128 * len(kept) + 128)
        for j, s in enumerate(kept):
            out[128 * j:128 * j + 256] += w * v[s:s + 256]
        silent_free.append(out)
    frequency = np.arange(257) * 10000 / 512
    edge = lambda f: int(np.argmin(abs(frequency - f)))
    X, Y = (np.array([[math.sqrt(np.sum(abs(np.fft.fft(w * v[s:s + 256], 512)[edge(150 * 2 ** (k / 3) * 2 ** (-1 / 6)):edge(150 * 2 ** (k / 3) * 2 ** (1 / 6))]) ** 2))
                       for s in range(0, len(v) - 256, 128)] for k in range(15)]) for v in silent_free)
    scores = []
    for m in range(30, X.shape[1] + 1):
        a, b = X[:, m - 30:m], Y[:, m - 30:m]
        if extended:
            unit = lambda v: (v - v.mean()) / np.linalg.norm(v - v.mean())
            a, b = (np.apply_along_axis(unit, 0, np.apply_along_axis(unit, 1, v)) for v in (a, b))
            scores.append(np.mean([a[:, n] @ b[:, n] for n in range(30)]))
        else:
            for j in range(15):
                limited = np.minimum(b[j] * np.linalg.norm(a[j]) / np.linalg.norm(b[j]), (1 + 10 ** (15 / 20)) * a[j])
                scores.append(np.corrcoef(a[j], limited)[0, 1])
    return float(np.mean(scores))


def speech(seed, samples):
    """Noise in syllables, with pauses."""
    i = np.arange(samples)
    return (pattern(seed, samples).numpy() - 0.5) * np.maximum(np.sin(i / 700.0), 0.0) ** 2 * np.where(np.sin(i / 3000.0) > -0.6, 1.0, 1e-4)


for rate, samples in ((10000, 12000), (16000, 18000), (8000, 9000)):
    clean = speech(7, samples)
    noisy = clean + 0.15 * (pattern(8, samples).numpy() - 0.5)
    r[f"stoi{rate}"] = intelligibility(noisy, clean, rate, False)
    r[f"estoi{rate}"] = intelligibility(noisy, clean, rate, True)

with open(f"{sys.argv[1]}/Sound/Recordings/sound.json", "w") as file:
    json.dump(r, file, indent=1)

t, p = pattern(1, 5, 9, 3), pattern(2, 5, 9, 3)
with open(f"{sys.argv[1]}/Multimodal/Recordings/lips.json", "w") as file:
    json.dump({"lip_vertex_error": float(lip_vertex_error(p, t, [1, 4, 5, 8]))}, file, indent=1)
