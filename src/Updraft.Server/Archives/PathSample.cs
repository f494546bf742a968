namespace Updraft.Server.Archives;

/// <summary>A number of paths, and the first of them.</summary>
internal sealed class PathSample
{
    /// <summary>Most paths in <see cref="First"/>.</summary>
    public const int Most = 5;

    private readonly List<string> _first = [];

    public int Count { get; private set; }

    /// <summary>The first paths, at most <see cref="Most"/>.</summary>
    public IReadOnlyList<string> First => _first;

    public void Add(string path)
    {
        Count++;
        if (_first.Count < Most)
            _first.Add(path);
    }
}
