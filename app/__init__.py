"""The names that the provider guide uses, and the place of your own plug-ins. The program itself is in `ally/`."""
