"""Records what scikit-image, SciPy and torchmetrics make of small images, for tests/Raijin.Metrics.Tests/Images. Needs Debian's python3-skimage and python3-torch, and
torchmetrics from its public source on PYTHONPATH.

    python3 eng/recordings/metrics_images.py tests/Raijin.Metrics.Tests/Images/Recordings

Images are made by a formula that the tests repeat; only scores are kept.
"""
import json, math, sys
import numpy as np, torch
from scipy.signal import convolve2d
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
import torchmetrics.functional.image as tm
from torchmetrics.functional.image.scc import _scc_per_channel_compute
from torchmetrics.functional.image.ssim import _ssim_update
from torchmetrics.functional.image.utils import _uniform_filter

torch.set_default_dtype(torch.float64)


def pattern(seed, *shape):
    i = np.arange(math.prod(shape), dtype=np.float64)
    return (0.5 + 0.3 * np.sin(0.7 * i + seed) + 0.2 * np.sin(0.1234 * (i * i) + 1.7 * seed)).reshape(shape)


def pair(seed, *shape):
    target = pattern(seed, *shape)
    return 0.8 * target + 0.2 * pattern(seed + 1, *shape), target


def each(function, *images):
    """The mean over images of a function of one image."""
    return float(np.mean([float(function(*(torch.tensor(x[i:i + 1]) for x in images))) for i in range(len(images[0]))]))


def skimage_ssim(p, t, **options):
    """The mean over images and channels."""
    return float(np.mean([structural_similarity(p[b, c], t[b, c], data_range=1.0, **options) for b in range(p.shape[0]) for c in range(p.shape[1])]))


GAUSS = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
r = {}

p, t = pair(1, 3, 2, 16, 24)
r["psnr"] = float(peak_signal_noise_ratio(t, p, data_range=1.0))
r["psnr_255"] = float(peak_signal_noise_ratio(t * 255, p * 255, data_range=200.0))
r["psnr_base2"] = float(tm.peak_signal_noise_ratio(torch.tensor(p), torch.tensor(t), data_range=1.0, base=2.0))
r["psnr_per_image"] = float(tm.peak_signal_noise_ratio(torch.tensor(p), torch.tensor(t), data_range=1.0, dim=(1, 2, 3)))

p, t = pair(1, 3, 1, 20, 28)
y, x = np.mgrid[0:20, 0:28]
blocks = t + 0.3 * ((x // 8 + y // 8) % 2)
r["psnrb_smooth"] = each(lambda a, b: tm.peak_signal_noise_ratio_with_blocked_effect(a, b, 1.0), p, t)
steady = np.broadcast_to(0.5 + 0.01 * x, t.shape).copy()
r["psnrb_blocks"] = each(lambda a, b: tm.peak_signal_noise_ratio_with_blocked_effect(a, b, 1.0), steady + 0.3 * ((x // 8 + y // 8) % 2), steady)
r["psnrb_blocks4"] = each(lambda a, b: tm.peak_signal_noise_ratio_with_blocked_effect(a, b, 2.0, block_size=4), steady + 0.3 * ((x // 4 + y // 4) % 2), steady)

p, t = pair(2, 2, 3, 20, 24)
P, T = torch.tensor(p), torch.tensor(t)
r["ssim"] = skimage_ssim(p, t, **GAUSS)
r["ssim_sigma"] = skimage_ssim(p, t, gaussian_weights=True, sigma=0.8, use_sample_covariance=False)
r["ssim_uniform7"] = skimage_ssim(p, t, win_size=7, use_sample_covariance=False)
r["ssim_constants"] = skimage_ssim(p, t, K1=0.05, K2=0.1, **GAUSS)
r["ssim_reflect"] = float(tm.structural_similarity_index_measure(P, T, data_range=1.0))
r["ssim_reflect_axes"] = float(tm.structural_similarity_index_measure(P, T, data_range=1.0, sigma=(1.5, 0.8)))
r["ssim_reflect_uniform"] = float(tm.structural_similarity_index_measure(P, T, data_range=1.0, gaussian_kernel=False, kernel_size=(5, 9)))
r["ssim_contrast"] = [float(v) for v in _ssim_update(P, T, data_range=1.0, return_contrast_sensitivity=True)[1]]
full = tm.structural_similarity_index_measure(P, T, data_range=1.0, return_full_image=True)[1]
r["ssim_map"] = [float(full[0, 0, 0, 0]), float(full[1, 2, 10, 3]), float(full[1, 0, 19, 23])]
p, t = pair(3, 2, 1, 14, 16, 18)
r["ssim_volume"] = skimage_ssim(p, t, **GAUSS)
r["ssim_volume_reflect"] = float(tm.structural_similarity_index_measure(torch.tensor(p), torch.tensor(t), data_range=1.0))


def multiscale(p, t, betas, terms):
    """From scikit-image alone: with a huge K1 the likeness of the means is 1, and what is left is the contrast."""
    score = 1.0
    for j, beta in enumerate(betas):
        last = j == len(betas) - 1
        term = np.mean([structural_similarity(p[c], t[c], data_range=1.0, **GAUSS, **({} if last else {"K1": 1e8})) for c in range(len(p))])
        score *= terms(term) ** beta
        p, t = ((v[:, :v.shape[1] // 2 * 2, :v.shape[2] // 2 * 2].reshape(v.shape[0], v.shape[1] // 2, 2, v.shape[2] // 2, 2).mean((2, 4))) for v in (p, t))
    return float(score)


BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
p, t = pair(4, 1, 1, 180, 192)
r["msssim"] = multiscale(p[0], t[0], BETAS, lambda v: max(v, 0))
r["msssim_shifted"] = multiscale(p[0], t[0], BETAS, lambda v: (v + 1) / 2)
p, t = pair(5, 2, 3, 47, 50)
r["msssim_colour"] = float(np.mean([multiscale(p[b], t[b], (0.3, 0.7, 0.2), lambda v: max(v, 0)) for b in range(2)]))


def uqi_uniform(p, t, size):
    """Wang and Bovik's formula with means of size x size blocks."""
    k = np.ones((size, size)) / size ** 2
    mean = lambda v: convolve2d(v, k, mode="valid")
    mp, mt = mean(p), mean(t)
    vp, vt, c = mean(p * p) - mp ** 2, mean(t * t) - mt ** 2, mean(p * t) - mp * mt
    return float(np.mean(4 * c * mp * mt / ((vp + vt) * (mp ** 2 + mt ** 2))))


p, t = pair(6, 2, 3, 20, 24)
P, T = torch.tensor(p), torch.tensor(t)
r["uqi"] = float(tm.universal_image_quality_index(P, T))
r["uqi_uniform8"] = float(np.mean([uqi_uniform(p[b, c], t[b, c], 8) for b in range(2) for c in range(3)]))
r["sam"] = float(tm.spectral_angle_mapper(P, T))
r["ergas"] = float(tm.error_relative_global_dimensionless_synthesis(P, T))
r["ergas_ratio2"] = float(tm.error_relative_global_dimensionless_synthesis(P, T, ratio=2))
for w in (8, 7, 5, 6):
    r[f"rmse_sw{w}"] = float(tm.root_mean_squared_error_using_sliding_window(P, T, window_size=w))
    # Its mean in a window is divided by the window's pixels twice.
    r[f"rase{w}"] = each(lambda a, b: tm.relative_average_spectral_error(a, b, window_size=w), p, t) / w ** 2
hp = torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])[None, None]
for w in (8, 5):
    # The public function computes in float32.
    r[f"scc{w}"] = float(torch.cat([_scc_per_channel_compute(P[:, c:c + 1], T[:, c:c + 1], hp, w) for c in range(3)], 1).mean())
r["total_variation"] = [float(v) for v in tm.total_variation(P, reduction=None)]

p, t = pair(7, 2, 2, 48, 52)
for name, a in (("vif", p), ("vif_raised", 0.1 + 0.9 * t), ("vif_opposed", 1 - t)):
    r[name] = float(tm.visual_information_fidelity(torch.tensor(255 * a), torch.tensor(255 * t)))
r["vif_noise"] = float(tm.visual_information_fidelity(torch.tensor(255 * p), torch.tensor(255 * t), sigma_n_sq=0.4))

fused, pan = pattern(8, 2, 3, 32, 48), pattern(9, 2, 3, 32, 48)
ms, pan_lr = pattern(10, 2, 3, 16, 24), pattern(11, 2, 3, 16, 24)
r["d_lambda"] = each(lambda a, b: tm.spectral_distortion_index(a, b), fused, ms)
r["d_lambda_p3"] = each(lambda a, b: tm.spectral_distortion_index(a, b, p=3), fused, ms)
r["d_s"] = each(lambda f, m, n, l: tm.spatial_distortion_index(f, m, n, l), fused, ms, pan, pan_lr)
r["d_s_q2"] = each(lambda f, m, n, l: tm.spatial_distortion_index(f, m, n, l, norm_order=2), fused, ms, pan, pan_lr)
for w in (7, 4):
    made = torch.nn.functional.interpolate(_uniform_filter(torch.tensor(pan), w), size=(16, 24), mode="bilinear", align_corners=False).numpy()
    r[f"d_s_made{w}"] = each(lambda f, m, n, l: tm.spatial_distortion_index(f, m, n, l), fused, ms, pan, made)
r["qnr"] = each(lambda f, m, n, l: tm.quality_with_no_reference(f, m, n, l), fused, ms, pan, pan_lr)
r["qnr_powers"] = each(lambda f, m, n, l: tm.quality_with_no_reference(f, m, n, l, alpha=2, beta=0.5, norm_order=2), fused, ms, pan, pan_lr)

with open(f"{sys.argv[1]}/images.json", "w") as file:
    json.dump(r, file, indent=1)
