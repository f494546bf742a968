using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Updraft.Testing;

/// <summary>
/// On SIGTERM, this process and the programs that it started exit. The handler of a web server in the process only stops that server, and
/// it keeps the process alive. This class is an assembly fixture, so its handler exists from the start.
/// </summary>
internal sealed class EndOnSignal
{
    private const int SignalExitCode = 128;
    private static PosixSignalRegistration? _terminate;

#pragma warning disable CA2255 // Every program that uses this library must end on SIGTERM.
    [ModuleInitializer]
    internal static void Register() => _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
    {
        context.Cancel = true;
        // During exit, handlers of ProcessExit end the child processes, so the thread of the signal must stay free.
        new Thread(() => Environment.Exit(SignalExitCode + Native.Terminate)) { IsBackground = true }.Start();
    });
#pragma warning restore CA2255
}
