using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Updraft.Testing;

/// <summary>
/// SIGTERM ends this process, and with it the programs that it started. Each web server in the process registers a handler of its own that
/// only stops that server, and such a handler keeps the process alive. An assembly fixture, so that it is there from the start.
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
        // Exit waits for handlers of ProcessExit, which end child processes; the thread of the signal must stay free.
        new Thread(() => Environment.Exit(SignalExitCode + Native.Terminate)) { IsBackground = true }.Start();
    });
#pragma warning restore CA2255
}
