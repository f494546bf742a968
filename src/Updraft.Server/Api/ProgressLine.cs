namespace Updraft.Server.Api;

/// <summary>A progress line on the terminal. Without a terminal, it writes nothing.</summary>
internal sealed class ProgressLine(TimeProvider clock)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(0.2);

    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private readonly Lock _lock = new();
    private long _shown;
    private int _width;

    /// <summary>Replaces the line, at most five times per second.</summary>
    /// <param name="text">Builds the line; called only if the line is shown.</param>
    public void Show(Func<string> text)
    {
        if (!_isTerminal)
            return;
        lock (_lock)
        {
            if (clock.GetElapsedTime(_shown) < Every)
                return;
            _shown = clock.GetTimestamp();
            var line = text();
            Console.Error.Write($"\r{line.PadRight(_width)}");
            _width = line.Length;
        }
    }

    /// <summary>Clears the line.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            if (_width > 0)
                Console.Error.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }
}
