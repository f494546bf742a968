using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Database;

/// <summary>
/// What was read from the database and is asked for again and again, kept until this server commits anything at all: then everything is
/// forgotten, before others can see what was written, so no answer is ever older than the database's would be. That is right while this
/// process alone writes; with other servers on the database nothing is kept.
/// <code>
/// var memory = cache.Now;                         // before the database is read
/// if (memory?.Find&lt;T&gt;(key) is { } known) return known;
/// var read = await …;
/// memory?.Keep(key, read);
/// </code>
/// </summary>
/// <remarks>Nothing that depends on the time of day, or on who asks, belongs here.</remarks>
internal sealed class ReadCache(IOptions<DatabaseOptions> options, TimeProvider clock)
{
    // Somebody may mend a row by hand while the server runs.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);
    private volatile Memory? _now;
    private volatile bool _isCommitting;

    /// <summary>What may be answered from now; null when the database has to be asked.</summary>
    public Memory? Now
    {
        get
        {
            if (options.Value.IsShared || _isCommitting)
                return null;
            if (_now is { } now && clock.GetElapsedTime(now.Since) < Lifetime)
                return now;
            var fresh = new Memory(clock.GetTimestamp());
            _now = fresh;
            // A commit that began in between may not have seen it.
            return _isCommitting ? null : fresh;
        }
    }

    /// <summary>Forgets everything, until <see cref="CommitEnds"/>. There is one writer at a time.</summary>
    public void CommitBegins()
    {
        _isCommitting = true;
        _now = null;
    }

    /// <summary>What is read from now on has what was committed.</summary>
    public void CommitEnds()
    {
        _now = null;
        _isCommitting = false;
    }

    /// <summary>What was read between two commits. What is kept in one that has passed helps nobody and harms nobody.</summary>
    internal sealed class Memory(long since)
    {
        private const int Most = 2000;
        private readonly ConcurrentDictionary<object, object> _known = new();
        private int _count;

        public long Since => since;

        public T? Find<T>(object key)
            where T : class => _known.GetValueOrDefault(key) as T;

        public void Keep(object key, object value)
        {
            if (_known.TryAdd(key, value) && Interlocked.Increment(ref _count) > Most)
                _known.TryRemove(key, out _);
        }
    }
}
