namespace Raijin.App;

/// <summary>A curve drawn in a terminal with braille characters: each holds two dots across and four down.</summary>
static class BrailleSketch
{
    const int DotsAcross = 2;
    const int DotsDown = 4;
    const char Blank = '⠀';

    // The bit of each dot of a character, by row and column, as Unicode numbers them.
    static readonly int[,] Bits = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

    /// <summary>Draws <paramref name="values"/> from left to right, the least of <paramref name="low"/> and the values at the bottom, the greatest at the top.</summary>
    /// <param name="values">At least one, all finite.</param>
    /// <param name="columns">Characters across.</param>
    /// <param name="rows">Characters down.</param>
    /// <param name="low">A value the bottom is not above.</param>
    /// <returns>The rows, the top first.</returns>
    public static string[] Draw(IReadOnlyList<double> values, int columns, int rows, double low = 0)
    {
        var (width, height) = (columns * DotsAcross, rows * DotsDown);
        var bottom = Math.Min(low, values.Min());
        var range = values.Max() - bottom;
        var cells = new int[rows, columns];
        var previous = -1;
        for (var x = 0; x < width; x++)
        {
            var value = values[(int)Math.Round((double)x * (values.Count - 1) / (width - 1))];
            var y = range > 0 ? (int)Math.Round((value - bottom) / range * (height - 1)) : 0;
            // From the neighbour's height on, so that a jump is a line and not a gap.
            var (from, to) = previous < 0 || Math.Abs(previous - y) <= 1 ? (y, y) : previous < y ? (previous + 1, y) : (y, previous - 1);
            for (var dot = from; dot <= to; dot++)
            {
                var down = height - 1 - dot;
                cells[down / DotsDown, x / DotsAcross] |= Bits[down % DotsDown, x % DotsAcross];
            }
            previous = y;
        }
        return [.. Enumerable.Range(0, rows).Select(row => new string([.. Enumerable.Range(0, columns).Select(column => (char)(Blank + cells[row, column]))]))];
    }
}
