using System.CommandLine;
using System.Reflection;

namespace Pachyderm.Pachctl.Commands;

/// <summary><c>pachctl version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        Command command = new("version", "Print the version of this program.")
        {
            new Option<bool>("--client-only") { Description = "Print the version of pachctl alone, without asking a server. There is nothing else to print yet." },
        };
        command.SetAction(_ =>
        {
            string version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
            Console.Out.WriteLine($"{"COMPONENT",-20}{"VERSION",-20}");
            Console.Out.WriteLine($"{"pachctl",-20}{version,-20}");
            return ExitCodes.Done;
        });
        return command;
    }
}
