namespace Updraft.Bench;

/// <summary>A benchmark cannot continue; the message names the cause.</summary>
internal sealed class BenchException(string message) : Exception(message);
