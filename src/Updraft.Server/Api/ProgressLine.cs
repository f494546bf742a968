namespace Updraft.Server.Api;

/// <summary>A line on the terminal that is written over; nothing where nobody looks.</summary>
internal sealed class ProgressLine(TimeProvider clock)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(0.2);

    private readonly bool _isSeen = !Console.IsErrorRedirected;
    private readonly Lock _lock = new();
    private long _shown;
    private int _width;

    /// <summary>Shows a text, unless another one was shown just before.</summary>
    /// <param name="text">Makes it; called only when it is shown.</param>
    public void Show(Func<string> text)
    {
        if (!_isSeen)
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

    /// <summary>Takes the line away.</summary>
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
