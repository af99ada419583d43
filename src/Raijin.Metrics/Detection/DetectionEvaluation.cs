// COCO's evaluation (Lin et al. 2014, and the published COCOeval, whose order of comparisons this keeps, ties included).
// A class at a time, in parallel over classes: its objects stand image after image; of each image the surest found ones come first, and each takes
// the true one it overlaps best that is still free, once for every threshold and range of areas. Then one sort of the class by score serves every
// threshold, range and limit: precision only peaks where something true was found, so only those places are kept.
// Cost: O(n log n) for n found objects, and found × true × thresholds × ranges within an image and class.

namespace Raijin.Metrics;

/// <summary>What COCO's evaluation is asked for.</summary>
/// <param name="Thresholds">IoUs from which objects match, T.</param>
/// <param name="Recalls">Recalls at which precision is read, rising, R.</param>
/// <param name="Limits">How many of the surest found objects of an image and class count, rising, M.</param>
/// <param name="ClassAgnostic">Whether labels are not looked at.</param>
sealed record DetectionSettings(double[] Thresholds, double[] Recalls, int[] Limits, bool ClassAgnostic);

/// <summary>What of one class was found: NaN where nothing of it is there.</summary>
/// <param name="Precision">[M or 1, A, T, R]: of every limit, or of the last.</param>
/// <param name="Recall">[M, A, T].</param>
/// <param name="Scores">[M or 1, A, T, R]: the score from which the precision is reached.</param>
sealed record ClassEvaluation(double[] Precision, double[] Recall, double[] Scores);

sealed class DetectionEvaluation
{
    /// <summary>All, small, medium, large.</summary>
    public const int Areas = 4;

    const byte False = 0;
    const byte True = 1;
    const byte Ignored = 2;

    /// <summary>A threshold of 1 is reached by an IoU of 1, rounded.</summary>
    const double Certain = 1 - 1e-10;

    const double Spacing = 2.220446049250313e-16;

    static readonly (double Low, double High)[] Ranges = [(0, 1e10), (0, 32 * 32), (32 * 32, 96 * 96), (96 * 96, 1e10)];

    readonly DetectionSettings _settings;
    readonly bool _everyLimit;
    readonly long[] _images;
    readonly double[] _found;
    readonly double[] _there;
    readonly int[]? _shared;
    readonly int _width;
    readonly double _lowest;
    readonly Grouped _foundOf;
    readonly Grouped _thereOf;
    readonly int[] _firstFound;
    readonly int[] _firstThere;
    readonly long[] _firstShared;

    DetectionEvaluation(MetricStates states, DetectionSettings settings, bool everyLimit)
    {
        (_settings, _everyLimit) = (settings, everyLimit);
        _images = states[0].ToArray<long>();
        _found = states[1].ToArray<double>();
        _there = states[2].ToArray<double>();
        _width = (int)states[1].Value.shape[1];
        _shared = states.Any(s => s.Name == DetectionRows.SharedPixels) ? states[3].ToArray<int>() : null;
        _lowest = Math.Min(settings.Thresholds.Min(), Certain);

        var count = _images.Length / 2;
        (_firstFound, _firstThere, _firstShared) = (new int[count + 1], new int[count + 1], new long[count + 1]);
        for (var i = 0; i < count; i++)
        {
            _firstFound[i + 1] = _firstFound[i] + (int)_images[2 * i];
            _firstThere[i + 1] = _firstThere[i] + (int)_images[2 * i + 1];
            _firstShared[i + 1] = _firstShared[i] + _images[2 * i] * _images[2 * i + 1];
        }
        Classes = Distinct();
        var places = new Dictionary<long, int>(Classes.Length);
        foreach (var label in Classes) places.Add(label, places.Count);
        _foundOf = Grouped.Of(_found, _width, places, _firstFound, settings.ClassAgnostic);
        _thereOf = Grouped.Of(_there, _width, places, _firstThere, settings.ClassAgnostic);
        Results = new ClassEvaluation[settings.ClassAgnostic ? 1 : Classes.Length];
    }

    /// <summary>The labels that were met, rising.</summary>
    public long[] Classes { get; }

    /// <summary>A result for each of them, or one for all where labels are not looked at.</summary>
    public ClassEvaluation[] Results { get; }

    /// <summary>Evaluates what was accumulated.</summary>
    /// <param name="states">As <see cref="DetectionRows"/> declares them.</param>
    /// <param name="settings">What is asked for.</param>
    /// <param name="everyLimit">Whether precision is wanted for every limit, not for the last only.</param>
    public static DetectionEvaluation Of(MetricStates states, DetectionSettings settings, bool everyLimit)
    {
        var evaluation = new DetectionEvaluation(states, settings, everyLimit);
        Parallel.For(0, evaluation.Results.Length, c => evaluation.Results[c] = evaluation.Evaluate(c));
        return evaluation;
    }

    long[] Distinct()
    {
        var labels = new HashSet<long>();
        for (var at = DetectionRows.Label; at < _found.Length; at += _width) labels.Add((long)_found[at]);
        for (var at = DetectionRows.Label; at < _there.Length; at += _width) labels.Add((long)_there[at]);
        return [.. labels.Order()];
    }

    ClassEvaluation Evaluate(int c)
    {
        var found = _foundOf.Rows(c);
        var there = _thereOf.Rows(c);
        var matches = new ClassMatches(found.Length, Areas * _settings.Thresholds.Length);
        var room = new MatchingRoom();
        for (int i = 0, j = 0; i < found.Length || j < there.Length;)
        {
            var image = Math.Min(i < found.Length ? _foundOf.Image[found[i]] : int.MaxValue, j < there.Length ? _thereOf.Image[there[j]] : int.MaxValue);
            var (nextI, nextJ) = (i, j);
            while (nextI < found.Length && _foundOf.Image[found[nextI]] == image) nextI++;
            while (nextJ < there.Length && _thereOf.Image[there[nextJ]] == image) nextJ++;
            Match(image, found[i..nextI], there[j..nextJ], matches, room);
            (i, j) = (nextI, nextJ);
        }
        return Accumulate(matches);
    }

    void Match(int image, ReadOnlySpan<int> found, ReadOnlySpan<int> there, ClassMatches matches, MatchingRoom room)
    {
        room.Reserve(found.Length, there.Length);
        for (var d = 0; d < found.Length; d++) room.Ranked[d] = new(_found[found[d] * _width + DetectionRows.Score], found[d]);
        room.Ranked.AsSpan(0, found.Length).Sort();
        var ranked = room.Ranked.AsSpan(0, Math.Min(found.Length, _settings.Limits[^1]));
        var first = matches.Add(ranked);

        var thresholds = _settings.Thresholds;
        for (var d = 0; d < ranked.Length; d++) room.Best[d] = Overlaps(image, ranked[d].Row, there, room.Iou.AsSpan(d * there.Length, there.Length));
        for (var a = 0; a < Areas; a++)
        {
            var (low, high) = Ranges[a];
            matches.Positives[a] += Order(there, low, high, room);
            for (var t = 0; t < thresholds.Length; t++)
            {
                Array.Clear(room.Taken, 0, there.Length);
                var outcomes = matches.Outcomes(a * thresholds.Length + t)[first..];
                for (var d = 0; d < ranked.Length; d++)
                {
                    var match = room.Best[d] < _lowest ? -1 : Take(room, d, there.Length, Math.Min(thresholds[t], Certain));
                    var area = _found[ranked[d].Row * _width + DetectionRows.Area];
                    outcomes[d] = match >= 0 ? room.Ignored[match] ? Ignored : True : area < low || area > high ? Ignored : False;
                }
            }
        }
    }

    /// <summary>The true object that found object d takes, or -1: the best free one that counts, or else the best that doesn't.</summary>
    int Take(MatchingRoom room, int d, int count, double threshold)
    {
        var (iou, match) = (threshold, -1);
        for (var place = 0; place < count; place++)
        {
            var g = room.Order[place];
            if (room.Taken[g] && !room.Crowd[g]) continue;
            if (match >= 0 && !room.Ignored[match] && room.Ignored[g]) break;
            if (room.Iou[d * count + g] < iou) continue;
            (iou, match) = (room.Iou[d * count + g], g);
        }
        if (match >= 0) room.Taken[match] = true;
        return match;
    }

    /// <summary>Puts true objects that don't count behind those that do; how many do.</summary>
    int Order(ReadOnlySpan<int> there, double low, double high, MatchingRoom room)
    {
        var counting = 0;
        for (var g = 0; g < there.Length; g++)
        {
            var row = there[g] * _width;
            room.Crowd[g] = _there[row + DetectionRows.Crowd] != 0;
            room.Ignored[g] = room.Crowd[g] || _there[row + DetectionRows.Area] < low || _there[row + DetectionRows.Area] > high;
            if (!room.Ignored[g]) room.Order[counting++] = g;
        }
        var place = counting;
        for (var g = 0; g < there.Length; g++) if (room.Ignored[g]) room.Order[place++] = g;
        return counting;
    }

    /// <summary>A found object's IoU with each true one (of a crowd: its share that lies within); the largest.</summary>
    double Overlaps(int image, int found, ReadOnlySpan<int> there, Span<double> iou)
    {
        var best = 0.0;
        var d = _found.AsSpan(found * _width, _width);
        for (var g = 0; g < there.Length; g++)
        {
            var t = _there.AsSpan(there[g] * _width, _width);
            double shared, area;
            if (_shared is not null)
            {
                shared = _shared[_firstShared[image] + (found - _firstFound[image]) * _images[2 * image + 1] + there[g] - _firstThere[image]];
                area = t[DetectionRows.Pixels];
            }
            else
            {
                var width = Math.Min(d[5] + d[3], t[5] + t[3]) - Math.Max(d[3], t[3]);
                var height = Math.Min(d[6] + d[4], t[6] + t[4]) - Math.Max(d[4], t[4]);
                shared = width > 0 && height > 0 ? width * height : 0;
                area = t[5] * t[6];
            }
            var own = d[DetectionRows.Area];
            iou[g] = shared == 0 ? 0 : shared / (t[DetectionRows.Crowd] != 0 ? own : own + area - shared);
            best = Math.Max(best, iou[g]);
        }
        return best;
    }

    ClassEvaluation Accumulate(ClassMatches matches)
    {
        var (thresholds, recalls, limits) = (_settings.Thresholds.Length, _settings.Recalls, _settings.Limits);
        var tables = _everyLimit ? limits.Length : 1;
        var precision = new double[tables * Areas * thresholds * recalls.Length];
        var scores = new double[precision.Length];
        var recall = new double[limits.Length * Areas * thresholds];
        var order = matches.ByScore();
        var peaks = new Peak[order.Length];
        for (var m = 0; m < limits.Length; m++)
        {
            for (var a = 0; a < Areas; a++)
            {
                for (var t = 0; t < thresholds; t++)
                {
                    var positives = matches.Positives[a];
                    var cell = (m * Areas + a) * thresholds + t;
                    var table = _everyLimit ? cell : m == limits.Length - 1 ? a * thresholds + t : -1;
                    if (positives == 0)
                    {
                        recall[cell] = double.NaN;
                        if (table < 0) continue;
                        precision.AsSpan(table * recalls.Length, recalls.Length).Fill(double.NaN);
                        scores.AsSpan(table * recalls.Length, recalls.Length).Fill(double.NaN);
                        continue;
                    }
                    var outcomes = matches.Outcomes(a * thresholds + t);
                    var found = FindPeaks(order, outcomes, matches.Rank, limits[m], peaks, out var surest);
                    recall[cell] = found / (double)positives;
                    if (table >= 0) ReadAt(peaks.AsSpan(0, found), positives, surest, precision.AsSpan(table * recalls.Length, recalls.Length), scores.AsSpan(table * recalls.Length, recalls.Length));
                }
            }
        }
        return new(precision, recall, scores);
    }

    /// <summary>Precision at each true positive, made to fall: the best that is reached from there on.</summary>
    /// <returns>How many true positives there are.</returns>
    static int FindPeaks(ReadOnlySpan<Ranked> order, ReadOnlySpan<byte> outcomes, ReadOnlySpan<int> rank, int limit, Peak[] peaks, out double surest)
    {
        var (right, wrong) = (0, 0);
        surest = double.NaN;
        foreach (var (score, at) in order)
        {
            if (rank[at] >= limit) continue;
            if (double.IsNaN(surest)) surest = score;
            if (outcomes[at] == Ignored) continue;
            if (outcomes[at] == False)
            {
                wrong++;
                continue;
            }
            right++;
            // COCOeval adds the spacing of 1, so a precision of 1 may read 0.9999999999999998.
            peaks[right - 1] = new(right / (right + wrong + Spacing), score);
        }
        for (var i = right - 2; i >= 0; i--) if (peaks[i + 1].Precision > peaks[i].Precision) peaks[i] = peaks[i] with { Precision = peaks[i + 1].Precision };
        return right;
    }

    void ReadAt(ReadOnlySpan<Peak> peaks, int positives, double surest, Span<double> precision, Span<double> scores)
    {
        var k = 0;
        for (var r = 0; r < precision.Length; r++)
        {
            while (k < peaks.Length && (k + 1) / (double)positives < _settings.Recalls[r]) k++;
            precision[r] = k < peaks.Length ? peaks[k].Precision : 0;
            // A recall of 0 is reached by the first found object, right or wrong.
            scores[r] = _settings.Recalls[r] <= 0 ? double.IsNaN(surest) ? 0 : surest : k < peaks.Length ? peaks[k].Score : 0;
        }
    }
}
