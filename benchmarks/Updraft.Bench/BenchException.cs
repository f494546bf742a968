namespace Updraft.Bench;

/// <summary>A benchmark cannot continue; the message says why.</summary>
internal sealed class BenchException(string message) : Exception(message);
