#include "harness.h"
void x509_cases(void) {}
