using System.Runtime.CompilerServices;

namespace Pachyderm.Migration.Steps;

/// <summary>
/// The steps below <c>migration/</c>. Each registers itself in a module initializer, which runs when this assembly is first used.
/// </summary>
public static class MigrationSteps
{
    /// <summary>Makes sure that every step is registered with <see cref="StepCatalog"/>. Calling it again does nothing.</summary>
    public static void Register() => RuntimeHelpers.RunModuleConstructor(typeof(MigrationSteps).Module.ModuleHandle);
}
