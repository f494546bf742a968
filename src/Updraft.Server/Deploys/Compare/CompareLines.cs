namespace Updraft.Server.Deploys.Compare;

/// <summary>The lines differ so much that the comparison would take too long.</summary>
internal sealed class TooManyDifferencesException() : Exception("The texts differ too much.");

/// <summary>
/// Finds a shortest list of removed and added lines between two texts, with the linear-space algorithm of E. W. Myers, "An O(ND)
/// Difference Algorithm and Its Variations" (1986). Memory grows with the number of lines. Work is limited, and can be canceled.
/// </summary>
internal sealed class CompareLines
{
    /// <summary>Limit of the work, in visited lines and diagonals.</summary>
    private const long MaxWork = 30_000_000;

    private const int Unreachable = -1;

    private readonly int[] _old;
    private readonly int[] _new;
    private readonly bool[] _isRemoved;
    private readonly bool[] _isAdded;
    private readonly int[] _forward;
    private readonly int[] _backward;
    private readonly CancellationToken _cancellationToken;
    private long _work;

    private CompareLines(int[] old, int[] @new, CancellationToken cancellationToken)
    {
        (_old, _new, _cancellationToken) = (old, @new, cancellationToken);
        (_isRemoved, _isAdded) = (new bool[old.Length], new bool[@new.Length]);
        var diagonals = 2 * (old.Length + @new.Length) + 3;
        (_forward, _backward) = (new int[diagonals], new int[diagonals]);
    }

    /// <summary>Compares two texts.</summary>
    /// <returns>For each line of the old text whether it was removed, and for each line of the new text whether it was added.</returns>
    /// <exception cref="TooManyDifferencesException">The comparison would take too long.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static (bool[] IsRemoved, bool[] IsAdded) Run(IReadOnlyList<string> old, IReadOnlyList<string> @new,
        CancellationToken cancellationToken)
    {
        // Equal lines get equal numbers, so that the comparison never reads a text twice.
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var run = new CompareLines(Number(old), Number(@new), cancellationToken);
        run.Compare(0, old.Count, 0, @new.Count);
        return (run._isRemoved, run._isAdded);

        int[] Number(IReadOnlyList<string> lines)
        {
            var result = new int[lines.Count];
            for (var i = 0; i < result.Length; i++)
            {
                if (!numbers.TryGetValue(lines[i], out result[i]))
                    numbers.Add(lines[i], result[i] = numbers.Count);
            }
            return result;
        }
    }

    /// <summary>Compares a part of the old lines with a part of the new ones. The ends are exclusive.</summary>
    private void Compare(int oldStart, int oldEnd, int newStart, int newEnd)
    {
        while (oldStart < oldEnd && newStart < newEnd && _old[oldStart] == _new[newStart])
            (oldStart, newStart) = (oldStart + 1, newStart + 1);
        while (oldStart < oldEnd && newStart < newEnd && _old[oldEnd - 1] == _new[newEnd - 1])
            (oldEnd, newEnd) = (oldEnd - 1, newEnd - 1);
        if (oldStart == oldEnd)
        {
            _isAdded.AsSpan(newStart, newEnd - newStart).Fill(true);
            return;
        }
        if (newStart == newEnd)
        {
            _isRemoved.AsSpan(oldStart, oldEnd - oldStart).Fill(true);
            return;
        }
        var (oldMiddle, newMiddle) = FindMiddle(oldStart, oldEnd, newStart, newEnd);
        Compare(oldStart, oldMiddle, newStart, newMiddle);
        Compare(oldMiddle, oldEnd, newMiddle, newEnd);
    }

    /// <summary>
    /// A point on a shortest path, where the searches from both ends meet. Both parts have at least one line and neither common first nor
    /// common last lines, so each recursion halves the number of differences.
    /// </summary>
    private (int Old, int New) FindMiddle(int oldStart, int oldEnd, int newStart, int newEnd)
    {
        var (oldCount, newCount) = (oldEnd - oldStart, newEnd - newStart);
        var (delta, zero) = (oldCount - newCount, _forward.Length / 2);
        var isOdd = (delta & 1) != 0;
        for (var differences = 0; ; differences++)
        {
            Count(2L * differences + 2);
            for (var k = -differences; k <= differences; k += 2)
            {
                var x = Step(_forward, zero, k, differences, oldCount, newCount);
                for (; x >= 0 && x < oldCount && x - k < newCount && _old[oldStart + x] == _new[newStart + x - k]; x++)
                    _work++;
                _forward[zero + k] = x;
                var opposite = delta - k;
                if (isOdd && x >= 0 && Math.Abs(opposite) < differences && x + _backward[zero + opposite] >= oldCount)
                    return (oldStart + x, newStart + x - k);
            }
            for (var k = -differences; k <= differences; k += 2)
            {
                var x = Step(_backward, zero, k, differences, oldCount, newCount);
                for (; x >= 0 && x < oldCount && x - k < newCount && _old[oldEnd - 1 - x] == _new[newEnd - 1 - x + k]; x++)
                    _work++;
                _backward[zero + k] = x;
                var opposite = delta - k;
                if (!isOdd && x >= 0 && Math.Abs(opposite) <= differences && x + _forward[zero + opposite] >= oldCount)
                    return (oldEnd - x, newEnd - x + k);
            }
        }
    }

    /// <summary>The furthest old line on a diagonal after one more difference; <see cref="Unreachable"/> outside of the texts.</summary>
    private static int Step(int[] reached, int zero, int diagonal, int differences, int oldCount, int newCount)
    {
        if (differences == 0)
            return 0;
        var removed = diagonal > -differences ? reached[zero + diagonal - 1] + 1 : Unreachable;
        var added = diagonal < differences ? reached[zero + diagonal + 1] : Unreachable;
        if (removed > oldCount || removed == 0)
            removed = Unreachable;
        if (added - diagonal > newCount)
            added = Unreachable;
        return Math.Max(removed, added);
    }

    private void Count(long work)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        _work += work;
        if (_work > MaxWork)
            throw new TooManyDifferencesException();
    }
}
