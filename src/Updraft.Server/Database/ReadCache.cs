using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Database;

/// <summary>
/// Caches frequent reads of the database until the next commit of this server. A commit empties the whole cache before other requests can
/// see the written data. So a cached value is never older than a read of the database. That holds only while this process is the only
/// writer. On PostgreSQL, other replicas write too, so nothing is cached.
/// <code>
/// var entries = cache.Current;                    // before the read of the database
/// if (entries?.Find&lt;T&gt;(key) is { } cached) return cached;
/// var read = await …;
/// entries?.Add(key, read);
/// </code>
/// </summary>
/// <remarks>Do not cache values that depend on the time or on the caller.</remarks>
internal sealed class ReadCache(IOptions<DatabaseOptions> options, TimeProvider clock)
{
    // An operator may change a row by hand while the server runs.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);
    private volatile Entries? _current;
    private volatile bool _isCommitting;

    /// <summary>The entries since the last commit; null if reads must go to the database.</summary>
    public Entries? Current
    {
        get
        {
            if (options.Value.IsShared || _isCommitting)
                return null;
            if (_current is { } current && clock.GetElapsedTime(current.Since) < Lifetime)
                return current;
            var fresh = new Entries(clock.GetTimestamp());
            _current = fresh;
            // A commit that started in between did not empty these entries.
            return _isCommitting ? null : fresh;
        }
    }

    /// <summary>Empties the cache and disables it until <see cref="CommitEnds"/>. There is one writer at a time.</summary>
    public void CommitBegins()
    {
        _isCommitting = true;
        _current = null;
    }

    /// <summary>Enables the cache again; later reads see the commit.</summary>
    public void CommitEnds()
    {
        _current = null;
        _isCommitting = false;
    }

    /// <summary>Values that were read between two commits. An entry that is added after the next commit is never read.</summary>
    internal sealed class Entries(long since)
    {
        private const int MaxCount = 2000, MaxBytes = 32 * 1024 * 1024;
        private readonly ConcurrentDictionary<object, object> _values = new();
        private int _count;
        private long _bytes;

        /// <summary>Timestamp of the creation.</summary>
        public long Since => since;

        public T? Find<T>(object key)
            where T : class => _values.GetValueOrDefault(key) as T;

        /// <param name="key">The key, with the type of the value.</param>
        /// <param name="value">The value. It must not change.</param>
        /// <param name="bytes">Size of the value; 0 for small ones.</param>
        public void Add(object key, object value, int bytes = 0)
        {
            if (_values.TryAdd(key, value)
                && (Interlocked.Increment(ref _count) > MaxCount | Interlocked.Add(ref _bytes, bytes) > MaxBytes))
                _values.TryRemove(key, out _);
        }
    }
}
