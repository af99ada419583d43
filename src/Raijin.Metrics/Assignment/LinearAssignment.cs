// Shortest augmenting paths (Jonker and Volgenant 1987; rectangular as in Crouse 2016). Invariant: duals u, v with u[i] + v[j] <= cost[i, j],
// equal where row i has column j, so that what is assigned is always optimal for the rows seen so far. A new row searches, as Dijkstra does over
// the reduced costs cost - u - v, for the nearest free column; the duals follow, and the path's pairs change sides. O(rows^2 * columns), no op.

namespace Raijin.Metrics;

/// <summary>The assignment of rows to columns, each used at most once, of the least (or the largest) total.</summary>
static class LinearAssignment
{
    /// <summary>Assigns min(rows, columns) rows.</summary>
    /// <param name="costs">[rows, columns], row-major, finite.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="columnOf">[rows], written: the column of each row, -1 for rows that get none (where there are more rows than columns).</param>
    /// <param name="maximize">Look for the largest total instead of the least.</param>
    /// <returns>The total of the assigned pairs.</returns>
    /// <exception cref="ArgumentException">A cost is NaN or infinite.</exception>
    public static double Solve(ReadOnlySpan<double> costs, int rows, int columns, Span<int> columnOf, bool maximize = false)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(costs.Length, checked(rows * columns));
        ArgumentOutOfRangeException.ThrowIfNotEqual(columnOf.Length, rows);
        foreach (var cost in costs)
            if (!double.IsFinite(cost)) throw new ArgumentException($"A cost is {cost}: an assignment needs finite costs.", nameof(costs));

        // The search wants the shorter side as rows, and the least total.
        var isTransposed = rows > columns;
        var (few, many) = isTransposed ? (columns, rows) : (rows, columns);
        var reduced = new double[costs.Length];
        var sign = maximize ? -1.0 : 1.0;
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
                reduced[isTransposed ? j * rows + i : i * columns + j] = sign * costs[i * columns + j];

        var ownerOf = new Search(reduced, few, many).Run();
        columnOf.Fill(-1);
        var total = 0.0;
        for (var j = 0; j < many; j++)
        {
            if (ownerOf[j] < 0) continue;
            var (row, column) = isTransposed ? (j, ownerOf[j]) : (ownerOf[j], j);
            columnOf[row] = column;
            total += costs[row * columns + column];
        }
        return total;
    }

    sealed class Search(double[] costs, int rows, int columns)
    {
        readonly double[] _u = new double[rows];
        readonly double[] _v = new double[columns];
        readonly double[] _distance = new double[columns];      // shortest reduced path from the new row to each column
        readonly int[] _before = new int[columns];              // the row that path comes from
        readonly int[] _open = new int[columns];                // columns not yet reached, then those reached
        readonly int[] _columnOf = new int[rows];
        readonly int[] _ownerOf = new int[columns];             // -1: free

        public int[] Run()
        {
            Array.Fill(_columnOf, -1);
            Array.Fill(_ownerOf, -1);
            for (var row = 0; row < rows; row++) Add(row);
            return _ownerOf;
        }

        void Add(int start)
        {
            Array.Fill(_distance, double.PositiveInfinity);
            for (var j = 0; j < columns; j++) _open[j] = j;
            var (row, reach, remaining) = (start, 0.0, columns);
            int end;
            while (true)
            {
                var nearest = Relax(row, reach, remaining);
                var column = _open[nearest];
                reach = _distance[column];
                remaining--;
                (_open[nearest], _open[remaining]) = (_open[remaining], column);
                if (_ownerOf[column] < 0)
                {
                    end = column;
                    break;
                }
                row = _ownerOf[column];
            }

            _u[start] += reach;
            foreach (var column in _open.AsSpan(remaining))
            {
                var slack = reach - _distance[column];
                _v[column] -= slack;
                if (_ownerOf[column] >= 0) _u[_ownerOf[column]] += slack;
            }
            for (var column = end; ;)
            {
                row = _before[column];
                _ownerOf[column] = row;
                (_columnOf[row], column) = (column, _columnOf[row]);
                if (row == start) break;
            }
        }

        /// <summary>Goes on from a row that lies <paramref name="reach"/> away; the position of the nearest open column, a free one of equals.</summary>
        int Relax(int row, double reach, int remaining)
        {
            var (nearest, best) = (0, double.PositiveInfinity);
            var offset = reach - _u[row];
            var ofRow = costs.AsSpan(row * columns, columns);
            for (var k = 0; k < remaining; k++)
            {
                var column = _open[k];
                var through = offset + ofRow[column] - _v[column];
                if (through < _distance[column])
                {
                    _distance[column] = through;
                    _before[column] = row;
                }
                if (_distance[column] < best || _distance[column] == best && _ownerOf[column] < 0) (nearest, best) = (k, _distance[column]);
            }
            return nearest;
        }
    }
}
