"""Records a cart-pole trajectory from the published equations of motion, solved as a linear system rather than by the usual closed form.

Barto, Sutton and Anderson 1983, frictionless. With q = (x, theta) the Lagrangian of a cart of mass mc and a uniform rod of mass m and half length l
gives two equations that are linear in the accelerations:

    (mc + m) x''         + m l cos(theta) theta''  = F + m l theta'^2 sin(theta)
    m l cos(theta) x''   + (4/3) m l^2 theta''     = m g l sin(theta)

Usage: python3 cartpole.py > ../../tests/Raijin.Samples.Tests/Golden/cartpole.json
"""
import json
import numpy as np

G, MC, M, L, F, TAU = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02


def accelerations(state, force):
    _, _, theta, rate = state
    mass = np.array([[MC + M, M * L * np.cos(theta)], [M * L * np.cos(theta), 4.0 / 3.0 * M * L**2]])
    drive = np.array([force + M * L * rate**2 * np.sin(theta), M * G * L * np.sin(theta)])
    return np.linalg.solve(mass, drive)


def step(state, action):
    linear, angular = accelerations(state, F if action == 1 else -F)
    return state + TAU * np.array([state[1], linear, state[3], angular])


generator = np.random.default_rng(7)
runs = []
for run in range(8):
    # Half of the runs lean towards balance and last; the others push at random and fall.
    balance = 0.8 if run < 4 else 0.0
    state = generator.uniform(-0.05, 0.05, 4)
    start, actions, states, ended = state.tolist(), [], [], []
    while len(actions) < 50 and not (ended and ended[-1]):
        action = int(state[2] + 0.3 * state[3] > 0) if generator.random() < balance else int(generator.integers(2))
        state = step(state, action)
        actions.append(action)
        states.append(state.tolist())
        ended.append(bool(abs(state[0]) > 2.4 or abs(state[2]) > 12 * np.pi / 180))
    runs.append({"start": start, "actions": actions, "states": states, "ended": ended})
for start, action in (([2.39, 2.0, 0.0, 0.0], 1), ([0.0, 0.0, 0.2, 1.0], 0)):  # one run off the track, one that falls
    state = step(np.array(start), action)
    runs.append({"start": start, "actions": [action], "states": [state.tolist()], "ended": [bool(abs(state[0]) > 2.4 or abs(state[2]) > 12 * np.pi / 180)]})
print(json.dumps(runs))
